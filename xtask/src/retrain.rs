//! `cargo xtask retrain NAME`: makes a shipped package again.
//!
//! The idea: **a recipe is data**, `trainer/recipes/NAME.toml` with the card's notes in `NAME.md` beside it; what
//! is done with it are the trainer's own commands, so that each can be repeated by hand.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::setup;
use crate::workspace::{Workspace, output, run as run_command};

/// Arguments of `retrain`.
#[derive(clap::Args)]
pub struct Args {
    /// The package, named by a file in trainer/recipes
    name: String,
    /// The folder with the data sets
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Folder for the runs, where an existing run is resumed; refused for a package made in two runs [default: runs/]
    #[arg(long, value_name = "DIR")]
    runs: Option<PathBuf>,
    /// CPU threads; 0: all cores
    #[arg(long, default_value_t = 0)]
    threads: u32,
    /// Allow sources that differ from their commit; the package records it
    #[arg(long)]
    dirty: bool,
    /// Print what would be run, and run nothing
    #[arg(long)]
    dry_run: bool,
}

/// How a package is made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recipe {
    /// The recipe to follow first; the configuration continues from its package.
    after: Option<String>,
    /// The trainer's configuration.
    config: PathBuf,
    /// An encoder that `trainer/encoder.py` fetches first.
    encoder: Option<String>,
    /// A sentence on how its data is made, for people who do not have it.
    data: Option<String>,
    /// Options of `export` besides the folders.
    export: Vec<String>,
}

impl Recipe {
    /// How its data is made, as a suffix for messages.
    fn data_sentence(&self) -> Option<String> {
        self.data.as_ref().map(|sentence| format!("; how it is made: {sentence}"))
    }
}

/// The photographs a package is measured on, and the classifier of the metrics; both are in the data folder.
const MEASURED_ON: [&str; 2] = ["photos-eval-public.tar", "efficientnet_lite0.safetensors"];

/// Trains, exports, measures, and exports again with the metrics.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let recipe = recipe(workspace.root(), &args.name)?;
    if let Some(first) = recipe.after.as_ref().filter(|_| args.runs.is_some()) {
        bail!(
            "{} continues from {first}, which its configuration looks for in runs/: omit --runs",
            args.name
        );
    }
    let data = args.data.canonicalize().with_context(|| {
        format!("--data {}{}", args.data.display(), recipe.data_sentence().unwrap_or_default())
    })?;
    // The trainer runs in the root of the checkout, whatever the current folder is.
    let runs = args.runs.as_ref().map_or_else(|| Ok(workspace.root().join("runs")), std::path::absolute)?;
    let plan = Plan {
        root: workspace.root(),
        name: &args.name,
        recipe: &recipe,
        data: &data,
        runs: &runs,
        dirty: args.dirty,
    };
    for (name, first) in before(workspace.root(), &recipe)? {
        follow(workspace, args, &Plan { name: &name, recipe: &first, ..plan }, false)?;
    }
    follow(workspace, args, &plan, true)
}

/// Maximum length of a chain of recipes.
const MOST_RECIPES: usize = 8;

/// The recipes to follow before this one, in order.
fn before(root: &Path, recipe: &Recipe) -> Result<Vec<(String, Recipe)>> {
    let mut chain = Vec::new();
    let mut next = recipe.after.clone();
    while let Some(name) = next {
        if chain.len() == MOST_RECIPES {
            bail!("recipe {name}: expected a chain of at most {MOST_RECIPES} recipes; is there a cycle?");
        }
        let first = self::recipe(root, &name)?;
        next = first.after.clone();
        chain.insert(0, (name, first));
    }
    Ok(chain)
}

/// Runs a plan, or prints it; `last` is the plan of the package asked for, the only one that is measured.
fn follow(workspace: &Workspace, args: &Args, plan: &Plan, last: bool) -> Result<()> {
    let steps = plan.steps(args.threads, last);
    if let Some(sentence) = &plan.recipe.data {
        println!("data of {}: {sentence}", plan.name);
    }
    if args.dry_run {
        steps.iter().for_each(|step| println!("{}", step.join(" ")));
        return Ok(());
    }
    plan.expect_data()?;
    setup::ensure(workspace)?;
    workspace.build(&["autochrome-trainer"])?;
    let trainer = workspace.built("autochrome-trainer");
    let version = output(workspace.command(&trainer).arg("--version"), "autochrome-trainer --version")?;
    // Now, not when training is done and the export refuses.
    if !args.dirty && String::from_utf8_lossy(&version).contains("-changed") {
        bail!(
            "the trainer's sources differ from their commit, so the package could not be reproduced: commit them, or pass --dirty"
        );
    }
    for step in steps {
        // A fetched encoder was checked then; it is not fetched again.
        if step[0] == "python3" && plan.encoder().is_some_and(|path| path.is_file()) {
            continue;
        }
        let program = if step[0] == TRAINER { trainer.as_os_str() } else { step[0].as_ref() };
        let mut command = workspace.command(program);
        command.current_dir(workspace.root()).args(&step[1..]);
        if step[1] == "eval" {
            fs::write(plan.metrics(), output(&mut command, &step.join(" "))?)?;
        } else {
            run_command(&mut command, &step.join(" "))?;
        }
    }
    if last {
        println!("{}: copy it to models/packages to use it", plan.package().display());
    }
    Ok(())
}

/// The trainer's name in the steps of a plan.
const TRAINER: &str = "autochrome-trainer";

struct Plan<'a> {
    root: &'a Path,
    name: &'a str,
    recipe: &'a Recipe,
    data: &'a Path,
    runs: &'a Path,
    dirty: bool,
}

impl Plan<'_> {
    fn run(&self) -> PathBuf {
        self.runs.join(self.name)
    }

    fn package(&self) -> PathBuf {
        self.runs.join("packages").join(self.name)
    }

    fn metrics(&self) -> PathBuf {
        self.run().join("eval.json")
    }

    /// Names the missing data sets before anything is built, and how they are made.
    fn expect_data(&self) -> Result<()> {
        let sets = train_sets(&self.root.join(&self.recipe.config))?;
        // Braces stand for many files; the trainer names the one that is missing.
        let missing = sets.iter().filter(|set| !set.contains('{') && !self.data.join(set).exists());
        let missing: Vec<&str> = missing.map(String::as_str).collect();
        if !missing.is_empty() {
            let sentence = self.recipe.data_sentence().unwrap_or_default();
            bail!("{} not found in {}{sentence}", missing.join(", "), self.data.display());
        }
        Ok(())
    }

    fn encoder(&self) -> Option<PathBuf> {
        let name = self.recipe.encoder.as_ref()?;
        Some(self.root.join(format!("target/encoders/efficientnet_{name}.safetensors")))
    }

    /// Every command, program first; measuring only if it is wanted.
    fn steps(&self, threads: u32, measure: bool) -> Vec<Vec<String>> {
        let text = |path: &Path| path.display().to_string();
        let trainer = |arguments: &[String]| [&[TRAINER.to_owned()], arguments].concat();
        let threads = ["--threads".to_owned(), threads.to_string()];
        let mut steps = Vec::new();
        if let Some(encoder) = &self.recipe.encoder {
            steps.push(vec!["python3".to_owned(), "trainer/encoder.py".to_owned(), encoder.clone()]);
        }
        let mut train =
            vec!["train".to_owned(), text(&self.recipe.config), "--data".to_owned(), text(self.data)];
        train.extend(["--out".to_owned(), text(&self.run())]);
        if self.run().join("checkpoint.safetensors").is_file() {
            train.push("--resume".to_owned());
        }
        steps.push(trainer(&[&train[..], &threads].concat()));
        let mut export = vec!["export".to_owned(), text(&self.run()), text(&self.package())];
        export.extend(self.recipe.export.iter().cloned());
        export.extend(["--notes".to_owned(), format!("trainer/recipes/{}.md", self.name)]);
        export.extend(self.dirty.then(|| "--dirty".to_owned()));
        steps.push(trainer(&export));
        let [photographs, classifier] = MEASURED_ON.map(|name| self.data.join(name));
        if measure && photographs.is_file() {
            let mut eval = vec!["eval".to_owned(), text(&self.package()), "--json".to_owned()];
            eval.extend([
                "--data".to_owned(),
                text(&photographs),
                "--classifier".to_owned(),
                text(&classifier),
            ]);
            steps.push(trainer(&[&eval[..], &threads].concat()));
            export.extend(["--metrics".to_owned(), text(&self.metrics())]);
            steps.push(trainer(&export));
        }
        steps
    }
}

/// The data sets that a configuration trains on, or those of the first one it extends that names some.
fn train_sets(config: &Path) -> Result<Vec<String>> {
    let mut path = config.to_owned();
    loop {
        let text = fs::read_to_string(&path).with_context(|| format!("configuration {}", path.display()))?;
        let table: toml::Table = text.parse().with_context(|| format!("configuration {}", path.display()))?;
        if let Some(sets) = table.get("data").and_then(|data| data.get("train")?.as_array()) {
            return Ok(sets.iter().filter_map(|set| set.as_str().map(str::to_owned)).collect());
        }
        match table.get("extends").and_then(|base| base.as_str()) {
            // A file that extends itself would loop forever; the trainer reports it.
            Some(base) if path.file_name() != Some(base.as_ref()) => path.set_file_name(base),
            _ => return Ok(Vec::new()),
        }
    }
}

fn recipe(root: &Path, name: &str) -> Result<Recipe> {
    let folder = root.join("trainer/recipes");
    let path = folder.join(format!("{name}.toml"));
    if !path.is_file() {
        let known: Vec<String> = names(&folder)?;
        bail!("unknown recipe {name}: expected one of {}", known.join(", "));
    }
    let text = fs::read_to_string(&path)?;
    toml::from_str(&text).with_context(|| format!("recipe {}", path.display()))
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("recipes {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkout() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(1).unwrap()
    }

    #[test]
    fn a_package_is_made_after_all_that_it_goes_on_from() {
        let recipe = recipe(checkout(), "autochrome").unwrap();
        let names: Vec<String> =
            before(checkout(), &recipe).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["lite2-context"]);
    }

    #[test]
    fn every_recipe_has_a_configuration_and_notes_and_every_package_that_ships_a_recipe() {
        let folder = checkout().join("trainer/recipes");
        for name in names(&folder).unwrap() {
            let recipe = recipe(checkout(), &name).unwrap();
            assert!(checkout().join(&recipe.config).is_file(), "{name}");
            assert!(folder.join(format!("{name}.md")).is_file(), "{name}");
            if let Some(first) = &recipe.after {
                assert!(self::recipe(checkout(), first).unwrap().after.is_none(), "{name}: two runs at most");
                let config = fs::read_to_string(checkout().join(&recipe.config)).unwrap();
                assert!(config.contains(&format!("package = \"runs/packages/{first}\"")), "{name}");
            }
        }
        for package in fs::read_dir(checkout().join("models/packages")).unwrap() {
            let package = package.unwrap();
            if package.path().is_dir() {
                recipe(checkout(), &package.file_name().to_string_lossy()).unwrap();
            }
        }
    }

    #[test]
    fn a_run_that_is_there_is_gone_on_with_and_what_can_be_measured_is() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = Recipe {
            after: None,
            config: "c.toml".into(),
            encoder: Some("lite2".into()),
            data: None,
            export: vec!["--default".into()],
        };
        let plan = Plan {
            root: folder.path(),
            name: "n",
            recipe: &recipe,
            data: folder.path(),
            runs: folder.path(),
            dirty: false,
        };
        let told = |threads| plan.steps(threads, true).iter().map(|step| step.join(" ")).collect::<Vec<_>>();
        let at = folder.path().display();
        let train = format!("autochrome-trainer train c.toml --data {at} --out {at}/n");
        let export = format!(
            "autochrome-trainer export {at}/n {at}/packages/n --default --notes trainer/recipes/n.md"
        );
        let first =
            ["python3 trainer/encoder.py lite2".to_owned(), format!("{train} --threads 2"), export.clone()];
        assert_eq!(told(2), first);
        fs::create_dir(plan.run()).unwrap();
        fs::write(plan.run().join("checkpoint.safetensors"), "").unwrap();
        fs::write(folder.path().join(MEASURED_ON[0]), "").unwrap();
        let told = told(0);
        assert_eq!(told[1], format!("{train} --resume --threads 0"));
        assert!(
            told[3]
                .starts_with(&format!("autochrome-trainer eval {at}/packages/n --json --data {at}/photos"))
        );
        assert_eq!(told[4], format!("{export} --metrics {at}/n/eval.json"));
        // A package that is only continued from is not measured.
        assert_eq!(plan.steps(0, false).len(), 3);
        let dirty = Plan { dirty: true, ..plan }.steps(0, false);
        assert_eq!(dirty.last().and_then(|export| export.last()).map(String::as_str), Some("--dirty"));
    }

    #[test]
    fn data_that_is_missing_is_named_with_how_it_is_made() {
        let root = tempfile::tempdir().unwrap();
        fs::write(
            root.path().join("base.toml"),
            "data = { train = [\"here.tar\", \"gone.tar\", \"b-{0..2}.tar\"] }",
        )
        .unwrap();
        fs::write(root.path().join("c.toml"), "extends = \"base.toml\"\n[data]\nheld_out = 2\n").unwrap();
        fs::write(root.path().join("here.tar"), "").unwrap();
        let recipe: Recipe =
            toml::from_str("config = \"c.toml\"\ndata = \"gathered by hand\"\nexport = []").unwrap();
        let (root, runs) = (root.path(), Path::new("runs"));
        let plan = Plan { root, name: "n", recipe: &recipe, data: root, runs, dirty: false };
        let said = plan.expect_data().unwrap_err().to_string();
        let expected = format!("gone.tar not found in {}; how it is made: gathered by hand", root.display());
        assert_eq!(said, expected);
        fs::write(root.join("gone.tar"), "").unwrap();
        plan.expect_data().unwrap();
    }

    #[test]
    fn a_recipe_that_is_not_there_is_refused_with_those_that_are() {
        let said = recipe(checkout(), "absent").unwrap_err().to_string();
        assert!(said.contains("expected one of") && said.contains("autochrome"), "{said}");
    }
}
