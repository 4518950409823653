//! Every file of a plan, several in parallel where asked, each with a session of its own.
//!
//! A failure affects only its file. Only what would fail every file (no such model, no such device) ends the whole
//! batch, so it is reported once and not a thousand times.

use std::any::Any;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use autochrome_loader::{Blame, Error, Plugin, Session};

use crate::args::Colorize;
use crate::exit::{DONE, FAILED, INTERRUPTED};
use crate::job::{self, Task};
use crate::manifest::{Broken, Manifest, Verdict};
use crate::plan::{Item, Plan};
use crate::report::{FileReport, Report};
use crate::stop::{Stop, Stopped};
use crate::{encode, hints, partial};

/// Colorizes what `args` name; returns the exit status.
pub fn run(args: &Colorize) -> anyhow::Result<u8> {
    let mut plan = Plan::new(&args.inputs, args.output.as_deref(), args.naming())?;
    let hints = hints::plan(args, &mut plan.items)?;
    plan.protect(&hints);
    let plugin = Plugin::find()?;
    let stop = Stop::install()?;
    let manifest = Manifest::open(args, &plugin)?;
    remove_left_behind(&plan);
    let task = Task { args, plan: &plan, params: args.params(), stop: &stop, manifest: manifest.as_ref() };
    let report = Report::new(plan.items.len(), args.json, args.verbose, &stop);
    let work = Work { next: AtomicUsize::new(0), hopeless: AtomicBool::new(false) };
    let jobs = usize::from(args.jobs).min(plan.items.len());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| worker(&plugin, &task, &report, &work));
        }
    });
    let summary = report.finish();
    Ok(match summary {
        summary if summary.interrupted => INTERRUPTED,
        summary if summary.failed + summary.not_started > 0 => FAILED,
        _ => DONE,
    })
}

/// Removes what crashed runs left in the output folders.
fn remove_left_behind(plan: &Plan) {
    let outputs = plan.items.iter().filter_map(|item| item.output.as_deref().ok());
    for folder in outputs.map(encode::folder_of).collect::<HashSet<_>>() {
        partial::remove_left_behind(&folder);
    }
}

/// What the workers share.
struct Work {
    next: AtomicUsize,
    hopeless: AtomicBool,
}

fn worker(plugin: &Plugin, task: &Task<'_>, report: &Report<'_>, work: &Work) {
    let mut session = None;
    while !task.stop.requested() && !work.hopeless.load(Ordering::SeqCst) {
        let Some(item) = task.plan.items.get(work.next.fetch_add(1, Ordering::SeqCst)) else { return };
        match file(plugin, task, item, &mut session, report) {
            Ok(done) => report.file(&done),
            Err(error) if error.is::<Stopped>() => return,
            Err(error) => {
                let hopeless = error.is::<Broken>()
                    || error.chain().any(|cause| cause.downcast_ref().is_some_and(fails_every_file));
                let mut failed = FileReport::failed(&item.input, format!("{error:#}"));
                if hopeless {
                    work.hopeless.store(true, Ordering::SeqCst);
                } else if let Err(broken) = recorded(task, item, &failed) {
                    work.hopeless.store(true, Ordering::SeqCst);
                    failed.message = Some(format!("{error:#}; {broken}"));
                }
                report.file(&failed);
            }
        }
    }
}

/// Records a failure; an error when that is not possible, which the next line of the manifest would meet too.
fn recorded(task: &Task<'_>, item: &Item, failed: &FileReport) -> anyhow::Result<()> {
    task.manifest.map_or(Ok(()), |manifest| manifest.other(failed, item, None))
}

/// Does one job. A panic, such as a decoder's over a damaged file, is that file's failure.
fn file(
    plugin: &Plugin,
    task: &Task<'_>,
    item: &Item,
    session: &mut Option<Session>,
    report: &Report<'_>,
) -> anyhow::Result<FileReport> {
    let mut progress = report.begin(&item.input);
    let verdict = match task.manifest {
        Some(manifest) => manifest.verdict(item, task.stop)?,
        None => Verdict::Do { overwrite: task.args.overwrite, again: None },
    };
    let (overwrite, again) = match verdict {
        Verdict::Stands => return Ok(FileReport::new(&item.input).stands(item)),
        Verdict::Skip(reason) => return Ok(FileReport::new(&item.input).skipped(&reason)),
        Verdict::Refuse(reason) => anyhow::bail!(reason),
        Verdict::Do { overwrite, again } => (overwrite, again),
    };
    let result = catch_unwind(AssertUnwindSafe(|| {
        let session = match session {
            Some(session) => session,
            None => session.insert(plugin.session(&task.args.folders.config())?),
        };
        job::run(task, item, overwrite, session, &mut |fraction| progress.tell(fraction))
    }));
    let mut report = result.unwrap_or_else(|panic| {
        Err(anyhow::anyhow!("internal error: {}; please report it", words(panic.as_ref())))
    })?;
    report.again = again;
    Ok(report)
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked")
}

/// Whether an error is due to the command line or the installation, and not to the file.
fn fails_every_file(error: &Error) -> bool {
    match error.status() {
        None => true,
        Some(status) => match status.blame() {
            Blame::Model => true,
            Blame::Device => status.name() == "AUTOCHROME_DEVICE_UNAVAILABLE",
            Blame::Caller => status.name() == "AUTOCHROME_BAD_PARAMETER",
            Blame::Plugin => false,
        },
    }
}
