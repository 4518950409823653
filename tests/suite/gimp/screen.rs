//! A virtual screen, GIMP's windows on it, keys sent by xdotool, and GIMP's Script-Fu server to check the results.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use autochrome_tests::signal;

use super::hosts::{self, Generation};

/// Timeout for anything; these machines can be slow.
const PATIENCE: Duration = Duration::from_secs(120);

/// Programs that are killed with the test.
pub struct Screen {
    display: String,
    children: Vec<Child>,
}

impl Drop for Screen {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            // `timeout` leads its own process group: GIMP and its plug-ins are in it.
            let _ = signal(-i64::from(child.id()), "KILL");
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Calls `found` until it returns something.
pub fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "timed out waiting for {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

impl Screen {
    /// A screen with a window manager; an error says what is missing.
    pub fn open() -> Result<Self, String> {
        for program in ["Xvfb", "openbox", "xdotool", "import"] {
            if hosts::on_path(program).is_none() {
                return Err(format!("{program} is not on PATH"));
            }
        }
        let mut server = Command::new("Xvfb");
        server.args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
        let mut server =
            server.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(|error| error.to_string())?;
        let mut number = String::new();
        let mut lines = BufReader::new(server.stdout.take().ok_or("no output")?);
        lines.read_line(&mut number).map_err(|error| error.to_string())?;
        let mut screen = Self { display: format!(":{}", number.trim()), children: vec![server] };
        screen.start(&mut Command::new("openbox"));
        Ok(screen)
    }

    fn start(&mut self, command: &mut Command) {
        command.env("DISPLAY", &self.display).stdout(Stdio::null()).stderr(Stdio::null());
        self.children.push(command.spawn().unwrap());
    }

    /// Starts a GIMP with windows, and a server in it.
    pub fn start_gimp(
        &mut self,
        generation: Generation,
        folder: &Path,
        settings: &[(&'static str, PathBuf)],
    ) -> Server {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = folder.join("server.log");
        let mut command = match generation {
            Generation::Two => {
                let mut command = generation.program("gimp-2.10");
                let batch = format!(
                    "(plug-in-script-fu-server RUN-NONINTERACTIVE \"127.0.0.1\" {port} \"{}\")",
                    log.display()
                );
                command.args(["-n", "-f", "-s", "-b", &batch]);
                command
            }
            Generation::Three => {
                let mut command = generation.program("gimp-3.0");
                let batch = format!(
                    "(plug-in-script-fu-server #:run-mode RUN-NONINTERACTIVE #:ip \"127.0.0.1\" #:port {port} #:logfile \"{}\")",
                    log.display()
                );
                command.args(["-n", "-f", "-s", "--batch-interpreter=plug-in-script-fu-eval", "-b", &batch]);
                command
            }
        };
        command.env(generation.profile_variable(), folder.join("profile"));
        // Long enough to be interrupted.
        command.env("AUTOCHROME_STUB_MS", "20000");
        for (name, value) in settings {
            command.env(name, value);
        }
        self.start(&mut command);
        let server = Server { port };
        wait_for("GIMP's server", || server.try_ask("(+ 1 1)"));
        server
    }

    fn xdotool(&self, args: &[&str]) -> String {
        let output = Command::new("xdotool").args(args).env("DISPLAY", &self.display).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The window whose title matches.
    pub fn window(&self, title: &str) -> Option<String> {
        let found = self.xdotool(&["search", "--onlyvisible", "--name", title]);
        found.lines().last().map(str::to_owned)
    }

    /// Presses a key in a window.
    pub fn press(&self, window: &str, key: &str) {
        self.xdotool(&["windowactivate", "--sync", window]);
        self.type_key(key);
    }

    /// Presses a key in the focused window.
    pub fn type_key(&self, key: &str) {
        self.xdotool(&["key", "--clearmodifiers", key]);
    }

    /// Clicks in the bottom line of a window, this many pixels from its right edge.
    pub fn click_low(&self, window: &str, from_right: i32) {
        let told = self.xdotool(&["getwindowgeometry", "--shell", window]);
        let number = |name: &str| -> i32 {
            let line = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.and_then(|number| number.parse().ok()).unwrap_or_default()
        };
        let (x, y) = ((number("WIDTH") - from_right).to_string(), (number("HEIGHT") - 18).to_string());
        self.xdotool(&["mousemove", "--window", window, &x, &y, "sleep", "0.5", "click", "1"]);
    }

    /// A screenshot of a window, or of everything.
    pub fn picture(&self, window: &str, file: &Path) -> Option<image::RgbImage> {
        let mut command = Command::new("import");
        let status =
            command.args(["-window", window]).arg(file).env("DISPLAY", &self.display).output().ok()?;
        status.status.success().then(|| image::open(file).ok().map(|picture| picture.to_rgb8()))?
    }
}

/// GIMP's Script-Fu server.
#[derive(Clone)]
pub struct Server {
    port: u16,
}

impl Server {
    /// The script's result; panics if it fails.
    pub fn ask(&self, script: &str) -> String {
        self.try_ask(script).unwrap_or_else(|| panic!("{script} failed"))
    }

    /// `None` if there is no server yet or the script fails. The protocol: `G`, length, script; `G`, error, length,
    /// answer.
    pub fn try_ask(&self, script: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let length = u16::try_from(script.len()).ok()?.to_be_bytes();
        stream.write_all(&[&b"G"[..], &length, script.as_bytes()].concat()).ok()?;
        let mut header = [0; 4];
        stream.read_exact(&mut header).ok()?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes([header[2], header[3]]))];
        stream.read_exact(&mut answer).ok()?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        if header[1] != 0 {
            eprintln!("{script}: {answer}");
            return None;
        }
        Some(answer.trim_matches('"').to_owned())
    }
}
