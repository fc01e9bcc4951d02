//! The parent of a compiler process: starts it, sends it the component, waits no longer than allowed, and interprets how
//! it ended. Nothing the child does can stop this process.

use std::io::{self, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::limits::{CompileLimit, CompileLimits};
use super::protocol::{self, FrameError, FrameKind};

/// Maximum bytes of code that are read back: a rule of the largest size needs a sixth of it.
const MAX_COMPILED: u64 = 512 << 20;

/// Maximum bytes of its standard error that are kept.
const MAX_STDERR: u64 = 4 << 10;

/// How often it is polled for its end, once it has replied.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Signal numbers, which are the same on Linux and macOS.
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGSEGV: i32 = 11;
const SIGXCPU: i32 = 24;

/// Why there is no code.
#[derive(Debug)]
pub(crate) enum ChildError {
    /// It hit a limit.
    Limit(CompileLimit),
    /// The compiler refused the component, with its message.
    Refused(String),
    /// It couldn't be started, or ended without a reply.
    Failed(String),
}

/// Compiles a component in a process of its own.
pub(crate) fn compile(program: &Path, limits: &CompileLimits, component: &[u8]) -> Result<Vec<u8>, ChildError> {
    let until = Instant::now() + limits.elapsed;
    let failed = |what: &str, error: &io::Error| ChildError::Failed(format!("{what}: {error}"));
    let mut child = Command::new(program)
        // A path such as /proc/self/exe is unclear in a list of processes.
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
    let exchanged = exchange(&mut child, component, until);
    // Nothing waits for it any longer. Killing a process that has ended does no harm.
    let in_time = wait_for_end(&mut child, until);
    let _ = child.kill();
    let status = child.wait().map_err(|error| failed("it can't be waited for", &error))?;
    match exchanged {
        None => Err(ChildError::Limit(CompileLimit::Elapsed)),
        Some((Ok((FrameKind::Compiled, code)), _)) => Ok(code),
        Some((Ok((FrameKind::Refused, reason)), _)) => {
            Err(ChildError::Refused(String::from_utf8_lossy(&reason).into_owned()))
        }
        Some((Ok((FrameKind::OutOfMemory, _)), _)) => Err(ChildError::Limit(CompileLimit::Memory)),
        Some((Ok((FrameKind::Component, _)), _)) => Err(ChildError::Failed(FrameError::Form.to_string())),
        Some((Err(_), _)) if !in_time => Err(ChildError::Limit(CompileLimit::Elapsed)),
        Some((Err(error), stderr)) => Err(interpret_end(status, &stderr, &error)),
    }
}

type Reply = Result<(FrameKind, Vec<u8>), FrameError>;

/// Sends it the component and reads its reply and its standard error. None if that took too long: then it is killed, so
/// that no pipe stays open.
fn exchange(child: &mut Child, component: &[u8], until: Instant) -> Option<(Reply, String)> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(1);
        scope.spawn(move || {
            // If the process stops reading, its reply or its end shows why.
            stdin.map(|stdin| protocol::write(stdin, FrameKind::Component, component))
        });
        scope.spawn(move || {
            let reply = match stdout {
                Some(stdout) => protocol::read(stdout, MAX_COMPILED),
                None => Err(FrameError::Form),
            };
            let _ = sender.send(reply);
        });
        let stderr = scope.spawn(move || stderr.map(read_stderr).unwrap_or_default());
        match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(reply) => {
                // It has replied. Its standard error is complete when it ends.
                if !wait_for_end(child, until) {
                    let _ = child.kill();
                }
                Some((reply, stderr.join().unwrap_or_default()))
            }
            Err(_) => {
                let _ = child.kill();
                None
            }
        }
    })
}

/// The beginning of its standard error; the rest is read and dropped, so that it isn't blocked.
fn read_stderr(mut stderr: impl Read) -> String {
    let mut text = Vec::new();
    // What can't be read is left out.
    #[expect(clippy::disallowed_methods, reason = "capped by the line itself")]
    let _ = stderr.by_ref().take(MAX_STDERR).read_to_end(&mut text);
    let _ = io::copy(&mut stderr, &mut io::sink());
    String::from_utf8_lossy(&text).into_owned()
}

/// Waits for its end, until a time at most. Returns whether it has ended.
fn wait_for_end(child: &mut Child, until: Instant) -> bool {
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return true,
            Ok(None) if Instant::now() < until => thread::sleep(POLL_INTERVAL),
            _ => return false,
        }
    }
}

/// What an end without a reply means.
fn interpret_end(status: ExitStatus, stderr: &str, frame: &FrameError) -> ChildError {
    // Rust prints these before it aborts, when an allocation fails and when a stack overflows.
    let printed = |what: &str| stderr.contains(what);
    match status.signal() {
        Some(SIGXCPU) => ChildError::Limit(CompileLimit::Cpu),
        Some(SIGABRT) if printed("memory allocation of") => ChildError::Limit(CompileLimit::Memory),
        Some(SIGABRT | SIGSEGV) if printed("has overflowed its stack") => ChildError::Limit(CompileLimit::Stack),
        Some(SIGKILL) => {
            ChildError::Failed("it was killed, as the kernel does where a machine's memory is short".into())
        }
        Some(signal) => ChildError::Failed(format!("it was ended by signal {signal}{}", quote_stderr(stderr))),
        None if status.success() => ChildError::Failed(frame.to_string()),
        None if printed("memory allocation of") || printed("Cannot allocate memory") => {
            ChildError::Limit(CompileLimit::Memory)
        }
        None => {
            let code = status.code().unwrap_or_default();
            ChildError::Failed(format!("it exited with {code}{}", quote_stderr(stderr)))
        }
    }
}

/// The standard error for a message, if there is any.
fn quote_stderr(stderr: &str) -> String {
    match stderr.trim() {
        "" => String::new(),
        text => format!(", printing {}", countersign_declaration::quoted(text)),
    }
}
