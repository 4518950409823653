//! `autochrome-gimp`: Colors > Colorize Photo... in GIMP 2.10 and GIMP 3.
//!
//! The idea: **one executable for both, which opens whichever libgimp the running GIMP uses.** GIMP starts it, and the
//! form of the command line tells which generation it is; the matching libgimp is opened at run time, so none is needed
//! to build this program. Pixels are the plugin's business (`autochrome-loader`); this program finds the layer, hands
//! it over, and puts the colors back.
//!
//! | module | |
//! |---|---|
//! | `job` | what is done when GIMP calls, the same for both generations |
//! | `settings`, `text` | the values, and what GIMP shows of them |
//! | `engine`, `preview`, `panel` | the plugin, a small picture that follows the sliders, the dialog |
//! | `ffi` | the fence of unsafe: `core` is what is asked of GIMP, `gimp2` and `gimp3` what GIMP asks |

mod engine;
mod error;
mod ffi;
mod job;
mod panel;
mod preview;
mod settings;
mod text;

use std::ffi::{CString, c_int};
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;

use error::Error;

const USAGE: &str = "autochrome-gimp is a plug-in for GIMP 2.10 and 3, which start it themselves.
It must be in a folder of its own name, as in plug-ins/autochrome-gimp/autochrome-gimp;
`cargo xtask install` puts it there. In GIMP, choose Colors > Colorize Photo...

  --check      check that it can work here: libgimp, plugin, models
  --version    print the version";

fn main() -> ExitCode {
    let args: Vec<CString> =
        std::env::args_os().map(|arg| CString::new(arg.into_vec()).unwrap_or_default()).collect();
    match serve(&args) {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(1)),
        Err(error) => {
            eprintln!("autochrome-gimp: {error}");
            ExitCode::FAILURE
        }
    }
}

/// GIMP 2.10 starts a plug-in with six words, GIMP 3 with seven, the second of them `-gimp`.
fn serve(args: &[CString]) -> Result<c_int, Error> {
    let second = args.get(1).map(|arg| arg.to_string_lossy());
    match (second.as_deref(), args.len()) {
        (Some("-gimp"), 6) => ffi::gimp2::main::<job::Colorize>(args),
        (Some("-gimp"), 7) => ffi::gimp3::main::<job::Colorize>(args),
        (Some("-gimp"), count) => Err(Error::new(format!(
            "GIMP started it with {count} arguments, expected 6 (GIMP 2.10) or 7 (GIMP 3); install a newer Autochrome"
        ))),
        (Some("--check"), 2) => check(),
        (Some("--version"), 2) => {
            println!("autochrome-gimp {}", env!("CARGO_PKG_VERSION"));
            Ok(0)
        }
        _ => {
            println!("{USAGE}");
            Ok(if args.len() > 1 && second.as_deref() != Some("--help") { 2 } else { 0 })
        }
    }
}

/// Reports for each requirement whether it is met; returns 1 when something is missing.
fn check() -> Result<c_int, Error> {
    let mut missing = 0;
    let mut say = |what: &str, found: Result<String, Error>| match found {
        Ok(found) => println!("ok {what}: {found}"),
        Err(error) => {
            missing = 1;
            println!("!! {what}: {error}");
        }
    };
    let generations = [("GIMP 2.10", ffi::gimp2::present()), ("GIMP 3", ffi::gimp3::present())];
    match generations.iter().any(|(_, present)| present.is_ok()) {
        true => {
            for (name, _) in generations.iter().filter(|(_, present)| present.is_ok()) {
                say(name, Ok("its libraries have every function needed".into()));
            }
        }
        false => {
            generations.into_iter().for_each(|(name, present)| say(name, present.map(|()| String::new())))
        }
    }
    match engine::Engine::open() {
        Ok(engine) => {
            let usable = |models: Vec<autochrome_loader::ModelInfo>| {
                let names: Vec<_> = models
                    .into_iter()
                    .filter(|model| model.problem.is_none())
                    .map(|model| model.name)
                    .collect();
                if names.is_empty() { Err(Error::new("none found")) } else { Ok(names.join(", ")) }
            };
            say("plugin", Ok(engine.place()));
            say("models", engine.models().and_then(usable));
        }
        Err(error) => say("plugin", Err(error)),
    }
    Ok(missing)
}
