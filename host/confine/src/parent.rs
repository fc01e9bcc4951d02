//! The parent of a child process: starts it, sends it requests, waits no longer than allowed for each reply, and
//! interprets how it ended. Nothing the child does can stop this process.

use std::io::{self, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use countersign_text::quoted;

use crate::frame::{self, Frame, FrameError};
use crate::limits::{ChildLimit, ChildLimits};

/// Maximum bytes of its standard error that are kept.
const MAX_STDERR: u64 = 4 << 10;

/// How often it is polled for its end, once it is known to come.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// How long a process that has closed its output may take to end.
const MAX_ENDING: Duration = Duration::from_secs(2);

/// Signal numbers, which are the same on Linux and macOS.
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGSEGV: i32 = 11;
const SIGXCPU: i32 = 24;

/// What a child is asked.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// The frame's kind.
    pub kind: u8,
    /// The frame's content.
    pub bytes: &'r [u8],
}

/// Why a reply is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It hit a limit.
    Limit(ChildLimit),
    /// It couldn't be started, or ended without a reply.
    Failed(String),
}

/// Starts `program` as `PROGRAM command --memory BYTES --cpu SECONDS`, sends it the requests, and gives its first
/// `replies` replies to `each`, in their order. What it writes beyond them isn't read. When this returns it has ended.
///
/// # Errors
/// Why not all replies came. Those before were given to `each`.
pub fn converse(
    program: &Path,
    command: &str,
    limits: &ChildLimits,
    requests: &[Request<'_>],
    (replies, max_reply): (usize, u64),
    mut each: impl FnMut(Frame),
) -> Result<(), End> {
    let mut child = start(program, command, limits)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let ended = thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(1);
        // If the process stops reading, its replies or its end show why.
        scope.spawn(move || stdin.map(|stdin| send(stdin, requests)));
        scope.spawn(move || stdout.map(|stdout| receive(stdout, replies, max_reply, &sender)));
        let stderr = scope.spawn(move || stderr.map(read_stderr).unwrap_or_default());
        let mut missing = None;
        for _ in 0..replies {
            match receiver.recv_timeout(limits.elapsed) {
                Ok(Ok(reply)) => each(reply),
                Ok(Err(fault)) => {
                    missing = Some(Some(fault));
                    break;
                }
                Err(_) => {
                    missing = Some(None);
                    break;
                }
            }
        }
        // One that ends by itself shows why. What it was asked for is here, or won't come: then it is killed, so that
        // no pipe stays open. Killing a process that has ended does no harm.
        let in_time = match &missing {
            Some(Some(_)) => wait_for_end(&mut child, limits.elapsed.min(MAX_ENDING)),
            _ => false,
        };
        let _ = child.kill();
        let status = child.wait();
        let stderr = stderr.join().unwrap_or_default();
        missing.map(|fault| (fault, in_time, status, stderr))
    });
    match ended {
        None => Ok(()),
        Some((None, ..)) => Err(End::Limit(ChildLimit::Elapsed)),
        Some((Some(fault), false, ..)) => Err(End::Failed(fault.to_string())),
        Some((Some(_), true, Err(error), _)) => Err(End::Failed(format!("it can't be waited for: {error}"))),
        Some((Some(fault), true, Ok(status), stderr)) => Err(interpret_end(status, &stderr, &fault)),
    }
}

fn start(program: &Path, command: &str, limits: &ChildLimits) -> Result<Child, End> {
    Command::new(program)
        // A path such as /proc/self/exe is unclear in a list of processes.
        .arg0("countersign")
        .arg(command)
        .args(["--memory", &limits.memory.to_string(), "--cpu", &limits.cpu_seconds().to_string()])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| End::Failed(format!("`{}` can't be started: {error}", program.display())))
}

fn send(mut stdin: ChildStdin, requests: &[Request<'_>]) -> io::Result<()> {
    requests.iter().try_for_each(|request| frame::write(&mut stdin, request.kind, request.bytes))
}

/// Hands on the replies, up to the first that isn't whole.
fn receive(mut stdout: ChildStdout, replies: usize, max: u64, to: &mpsc::SyncSender<Result<Frame, FrameError>>) {
    for _ in 0..replies {
        let reply = frame::read(&mut stdout, max).and_then(|frame| frame.ok_or(FrameError::Form));
        let broken = reply.is_err();
        if to.send(reply).is_err() || broken {
            return;
        }
    }
}

/// The beginning of its standard error; the rest is read and dropped, so that it isn't blocked.
fn read_stderr(mut stderr: ChildStderr) -> String {
    let mut text = Vec::new();
    // What can't be read is left out.
    #[expect(clippy::disallowed_methods, reason = "capped by the line itself")]
    let _ = stderr.by_ref().take(MAX_STDERR).read_to_end(&mut text);
    let _ = io::copy(&mut stderr, &mut io::sink());
    String::from_utf8_lossy(&text).into_owned()
}

/// Waits for its end, so long at most. Returns whether it has ended.
fn wait_for_end(child: &mut Child, at_most: Duration) -> bool {
    let until = Instant::now() + at_most;
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return true,
            Ok(None) if Instant::now() < until => thread::sleep(POLL_INTERVAL),
            _ => return false,
        }
    }
}

/// What an end without a reply means.
fn interpret_end(status: ExitStatus, stderr: &str, frame: &FrameError) -> End {
    // Rust prints these before it aborts, when an allocation fails and when a stack overflows.
    let printed = |what: &str| stderr.contains(what);
    match status.signal() {
        Some(SIGXCPU) => End::Limit(ChildLimit::Cpu),
        Some(SIGABRT) if printed("memory allocation of") => End::Limit(ChildLimit::Memory),
        Some(SIGABRT | SIGSEGV) if printed("has overflowed its stack") => End::Limit(ChildLimit::Stack),
        Some(SIGKILL) => End::Failed("it was killed, as the kernel does where a machine's memory is short".into()),
        Some(signal) => End::Failed(format!("it was ended by signal {signal}{}", quote_stderr(stderr))),
        None if status.success() => End::Failed(frame.to_string()),
        None if printed("memory allocation of") || printed("Cannot allocate memory") => End::Limit(ChildLimit::Memory),
        None => {
            let code = status.code().unwrap_or_default();
            End::Failed(format!("it exited with {code}{}", quote_stderr(stderr)))
        }
    }
}

/// The standard error for a message, if there is any.
fn quote_stderr(stderr: &str) -> String {
    match stderr.trim() {
        "" => String::new(),
        text => format!(", printing {}", quoted(text)),
    }
}

#[cfg(test)]
#[path = "../tests/unit/parent.rs"]
mod tests;
