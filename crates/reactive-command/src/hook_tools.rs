//! Being a hook tool: the program under another name, in a directory that the framework has made.
//!
//! The framework puts a directory of links to this program first on the `PATH` of handlers in
//! bash. What they call, and what their children call, asks the agent from here, which takes less
//! than half of the time that Juju's own program takes. Wherever the agent cannot be asked, and
//! wherever something else than Juju's own tool comes next on `PATH`, that is run instead.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::agent::{Agent, Failure, Result};

/// How the framework calls directories of links to this program.
const DIRECTORY: &str = "hook-tools";

/// The programs that Juju's own hook tools are links to, in one version or another.
const PROGRAMS: [&str; 3] = ["jujuc", "jujud", "containeragent"];

/// Chooses how hook tools are asked: `process` has every one started.
const TOOLS_VARIABLE: &str = "CHARMS_REACTIVE_TOOLS";

/// The exit status of shells for a command that is not there, and for one that cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;

/// That of a program that wrote to a pipe that nobody reads, as shells see it: signal 13.
const BROKEN_PIPE: u8 = 128 + 13;

/// A hook tool, and what comes behind this program on `PATH`.
pub(crate) struct HookTool {
    name: OsString,
    next: Option<PathBuf>,
}

/// The hook tool under whose name this process was started; `None` under the program's own.
pub(crate) fn this_one() -> Option<HookTool> {
    let started_as = PathBuf::from(env::args_os().next()?);
    let name = started_as.file_name()?.to_owned();
    if name.as_bytes().starts_with(b"charms") {
        return None;
    }
    let program = fs::metadata("/proc/self/exe").ok()?;
    let is_this = |path: &Path| {
        fs::metadata(path)
            .is_ok_and(|file| file.ino() == program.ino() && file.dev() == program.dev())
    };
    let search = env::var_os("PATH").unwrap_or_default();
    let mut found = started_as.parent().is_some_and(is_ours);
    let mut next = None;
    for directory in env::split_paths(&search) {
        let path = directory.join(&name);
        if is_this(&path) {
            found |= is_ours(&directory);
        } else if next.is_none() && is_executable(&path) {
            next = Some(path);
        }
    }
    found.then_some(HookTool { name, next })
}

fn is_ours(directory: &Path) -> bool {
    directory.file_name().is_some_and(|name| name.as_bytes().starts_with(DIRECTORY.as_bytes()))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Whether a file is Juju's own tool: a link to Juju's program.
fn is_jujus(path: &Path) -> bool {
    let named = |path: &Path| {
        path.file_name().is_some_and(|name| PROGRAMS.iter().any(|program| name == *program))
    };
    fs::read_link(path)
        .is_ok_and(|target| named(&target) || fs::canonicalize(path).is_ok_and(|path| named(&path)))
}

impl HookTool {
    /// Is the tool, to its end.
    pub(crate) fn run(&self, arguments: &[OsString]) -> ExitCode {
        let asked = env::var_os(TOOLS_VARIABLE).unwrap_or_default();
        let to_ask = self.next.as_deref().is_some_and(is_jujus) && asked != "process";
        let Some((mut agent, directory)) =
            to_ask.then(|| Some((Agent::connect()?, current_directory()?))).flatten()
        else {
            return self.start(arguments);
        };
        let words = arguments.iter().map(|word| word.as_bytes().to_vec()).collect();
        match agent.ask(self.name.as_bytes(), words, directory, read_stdin) {
            Ok(result) => write_out(&result),
            Err(Failure::NotUsable) => self.start(arguments),
            Err(Failure::Refused(error)) => {
                let line = [b"ERROR ", error.as_slice(), b"\n"].concat();
                write_out(&Result { code: 1, stdout: Vec::new(), stderr: line })
            }
            Err(Failure::Lost(how)) => {
                let line = format!("ERROR {}: {how}\n", self.name.to_string_lossy());
                write_out(&Result { code: 1, stdout: Vec::new(), stderr: line.into_bytes() })
            }
        }
    }

    /// Becomes what comes next on `PATH`; returns only if there is nothing.
    fn start(&self, arguments: &[OsString]) -> ExitCode {
        let Some(next) = &self.next else {
            return complain(&self.name, "command not found", NOT_FOUND);
        };
        let error = Command::new(next).args(arguments).exec();
        complain(&self.name, &format!("cannot run {}: {error}", next.display()), NOT_RUN)
    }
}

/// The current directory as Go names it: by `PWD` if that is true, so as the user has got there.
fn current_directory() -> Option<Vec<u8>> {
    let named = env::var_os("PWD").unwrap_or_default();
    if named.as_bytes().starts_with(b"/") {
        if let (Ok(there), Ok(here)) = (fs::metadata(&named), fs::metadata(".")) {
            if there.ino() == here.ino() && there.dev() == here.dev() {
                return Some(named.into_vec());
            }
        }
    }
    Some(env::current_dir().ok()?.into_os_string().into_vec())
}

fn read_stdin() -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    io::stdin().lock().read_to_end(&mut data)?;
    Ok(data)
}

/// Writes what the tool has to say, first one stream and then the other, as Juju's program does.
fn write_out(result: &Result) -> ExitCode {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(&result.stdout).and_then(|()| stdout.flush());
    for written in [written, io::stderr().lock().write_all(&result.stderr)] {
        if written.is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            return ExitCode::from(BROKEN_PIPE);
        }
    }
    ExitCode::from(result.code)
}

fn complain(name: &OsStr, reason: &str, status: u8) -> ExitCode {
    // Nothing more can be done if nobody reads it.
    let _ = writeln!(io::stderr(), "{}: {reason}", name.to_string_lossy());
    ExitCode::from(status)
}
