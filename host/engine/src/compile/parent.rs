//! This side of a compiler process: starts it, hands it the component, waits no longer than allowed, and says what became
//! of it. Whatever it does, this process goes on.

use std::io::{self, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::limits::{CompileLimit, CompileLimits};
use super::protocol::{self, FrameError, Kind};

/// The largest code that is taken back, bytes: a rule of the largest size becomes a sixth of this.
const MAX_COMPILED: u64 = 512 << 20;

/// As much of its last words as is kept, bytes.
const MAX_WORDS: u64 = 4 << 10;

/// How often it is asked whether it has ended, once it has nothing more to say.
const ASKED: Duration = Duration::from_millis(1);

/// Signals by their numbers, which are the same on Linux and macOS.
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGSEGV: i32 = 11;
const SIGXCPU: i32 = 24;

/// Why there is no code.
#[derive(Debug)]
pub(crate) enum ChildError {
    /// It hit a limit.
    Limit(CompileLimit),
    /// The compiler refused the component, in its words.
    Refused(String),
    /// It couldn't be started, or ended without an answer.
    Failed(String),
}

/// Compiles a component in a process of its own.
pub(crate) fn compile(program: &Path, limits: &CompileLimits, component: &[u8]) -> Result<Vec<u8>, ChildError> {
    let until = Instant::now() + limits.wall;
    let failed = |what: &str, error: &io::Error| ChildError::Failed(format!("{what}: {error}"));
    let mut child = Command::new(program)
        // A path such as /proc/self/exe says little in a list of processes.
        .arg0("countersign")
        .arg("compile")
        .args(["--memory", &limits.memory.to_string(), "--cpu", &limits.cpu_seconds().to_string()])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&format!("`{}` can't be started", program.display()), &error))?;
    let talked = talk(&mut child, component, until);
    // Whatever it is at now, nobody waits for it any longer. One that has ended can't be killed, which does no harm.
    let in_time = ended(&mut child, until);
    let _ = child.kill();
    let status = child.wait().map_err(|error| failed("it can't be waited for", &error))?;
    match talked {
        None => Err(ChildError::Limit(CompileLimit::Wall)),
        Some((Ok((Kind::Compiled, code)), _)) => Ok(code),
        Some((Ok((Kind::Refused, reason)), _)) => {
            Err(ChildError::Refused(String::from_utf8_lossy(&reason).into_owned()))
        }
        Some((Ok((Kind::OutOfMemory, _)), _)) => Err(ChildError::Limit(CompileLimit::Memory)),
        Some((Ok((Kind::Component, _)), _)) => Err(ChildError::Failed(FrameError::Form.to_string())),
        Some((Err(_), _)) if !in_time => Err(ChildError::Limit(CompileLimit::Wall)),
        Some((Err(error), words)) => Err(ending(status, &words, &error)),
    }
}

type Answer = Result<(Kind, Vec<u8>), FrameError>;

/// Hands it the component and takes its answer and its last words. None if that took too long: it is killed then, so that
/// no pipe stays open.
fn talk(child: &mut Child, component: &[u8], until: Instant) -> Option<(Answer, String)> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        let (tell, told) = mpsc::sync_channel(1);
        scope.spawn(move || {
            // A process that stops listening has a reason, which it gives otherwise.
            stdin.map(|stdin| protocol::write(stdin, Kind::Component, component))
        });
        scope.spawn(move || {
            let answer = match stdout {
                Some(stdout) => protocol::read(stdout, MAX_COMPILED),
                None => Err(FrameError::Form),
            };
            let _ = tell.send(answer);
        });
        let words = scope.spawn(move || stderr.map(last_words).unwrap_or_default());
        match told.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(answer) => {
                // It has nothing more to answer. Its last words come with its end.
                if !ended(child, until) {
                    let _ = child.kill();
                }
                Some((answer, words.join().unwrap_or_default()))
            }
            Err(_) => {
                let _ = child.kill();
                None
            }
        }
    })
}

/// The beginning of what it says; the rest is read and forgotten, so that it doesn't wait for a reader.
fn last_words(mut stderr: impl Read) -> String {
    let mut words = Vec::new();
    // What can't be read is as good as not said.
    #[expect(clippy::disallowed_methods, reason = "capped by the line itself")]
    let _ = stderr.by_ref().take(MAX_WORDS).read_to_end(&mut words);
    let _ = io::copy(&mut stderr, &mut io::sink());
    String::from_utf8_lossy(&words).into_owned()
}

/// Waits until it has ended, and no longer than that; whether it has.
fn ended(child: &mut Child, until: Instant) -> bool {
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return true,
            Ok(None) if Instant::now() < until => thread::sleep(ASKED),
            _ => return false,
        }
    }
}

/// What an end without an answer means.
fn ending(status: ExitStatus, words: &str, frame: &FrameError) -> ChildError {
    // What Rust says when an allocation fails, and when a stack runs over; it aborts then.
    let says = |what: &str| words.contains(what);
    match status.signal() {
        Some(SIGXCPU) => ChildError::Limit(CompileLimit::Cpu),
        Some(SIGABRT) if says("memory allocation of") => ChildError::Limit(CompileLimit::Memory),
        Some(SIGABRT | SIGSEGV) if says("has overflowed its stack") => ChildError::Limit(CompileLimit::Stack),
        Some(SIGKILL) => {
            ChildError::Failed("it was killed, as the kernel does where a machine's memory is short".into())
        }
        Some(signal) => ChildError::Failed(format!("it was ended by signal {signal}{}", quoting(words))),
        None if status.success() => ChildError::Failed(frame.to_string()),
        None if says("memory allocation of") || says("Cannot allocate memory") => {
            ChildError::Limit(CompileLimit::Memory)
        }
        None => ChildError::Failed(format!("it exited with {}{}", status.code().unwrap_or_default(), quoting(words))),
    }
}

/// Somebody's last words, if there are any.
fn quoting(words: &str) -> String {
    match words.trim() {
        "" => String::new(),
        words => format!(", saying {}", countersign_declaration::quoted(words)),
    }
}
