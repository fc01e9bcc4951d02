//! How children end, with shell scripts for children.

use std::fs;
use std::path::PathBuf;

use super::*;

/// A program whose text this is. Removed when dropped.
struct Script(PathBuf);

impl Script {
    fn new(name: &str, text: &str) -> Script {
        let path = std::env::temp_dir().join(format!("confine-{}-{name}", std::process::id()));
        // Written by another process: one that this one starts meanwhile must not have it open for writing.
        let write = r#"printf '#!/bin/sh\n%s\n' "$1" > "$0" && chmod 700 "$0""#;
        let written = Command::new("/bin/sh").args(["-c", write]).args([&path, Path::new(text)]).status().unwrap();
        assert!(written.success());
        Script(path)
    }

    fn ask(&self, replies: usize, max_reply: u64) -> (Vec<Frame>, Result<(), End>) {
        let limits =
            ChildLimits { memory: 1 << 30, cpu: Duration::from_secs(5), elapsed: Duration::from_millis(1_500) };
        let mut got = Vec::new();
        let requests = [Request { kind: b'q', bytes: b"question" }];
        let result = converse(&self.0, "answer", &limits, &requests, (replies, max_reply), |frame| got.push(frame));
        (got, result)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A script's line that writes a reply of two bytes, under a length of choice.
fn reply(length: u8) -> String {
    format!("printf 'CSCHLD1\\na\\{length:03o}\\0\\0\\0\\0\\0\\0\\0ok'")
}

fn failed(result: Result<(), End>, part: &str) {
    assert!(matches!(&result, Err(End::Failed(why)) if why.contains(part)), "{result:?}");
}

#[test]
fn replies_come_in_order_and_what_follows_them_is_not_read() {
    let script = Script::new("two", &format!("{0}\n{0}\n{0}\nyes forever", reply(2)));
    let (got, result) = script.ask(2, 10);
    assert_eq!(result, Ok(()));
    assert_eq!(got, vec![Frame { kind: b'a', bytes: b"ok".to_vec() }; 2]);
}

#[test]
fn every_end_without_a_reply_says_why() {
    failed(Script::new("exits", "echo broken >&2; exit 3").ask(1, 10).1, "exited with 3, printing `broken`");
    failed(Script::new("silent", "exit 0").ask(1, 10).1, "expected a frame");
    failed(Script::new("aborts", "kill -ABRT $$").ask(1, 10).1, "signal 6");
    failed(Script::new("killed", "kill -KILL $$").ask(1, 10).1, "killed");
    assert_eq!(Script::new("time", "kill -XCPU $$").ask(1, 10).1, Err(End::Limit(ChildLimit::Cpu)));
    let memory = "echo 'memory allocation of 99 bytes failed' >&2; kill -ABRT $$";
    assert_eq!(Script::new("memory", memory).ask(1, 10).1, Err(End::Limit(ChildLimit::Memory)));
    let stack = "echo 'thread main has overflowed its stack' >&2; kill -SEGV $$";
    assert_eq!(Script::new("stack", stack).ask(1, 10).1, Err(End::Limit(ChildLimit::Stack)));
    assert_eq!(Script::new("slow", "exec sleep 60").ask(1, 10).1, Err(End::Limit(ChildLimit::Elapsed)));
    let absent = converse(
        Path::new("/nowhere"),
        "answer",
        &ChildLimits { memory: 1, cpu: Duration::ZERO, elapsed: Duration::from_secs(1) },
        &[],
        (1, 1),
        |_| {},
    );
    failed(absent, "can't be started");
}

#[test]
fn a_reply_that_is_forged_cut_or_oversized_is_none() {
    failed(Script::new("cut", &reply(9)).ask(1, 10).1, "expected 9 bytes, got 2");
    failed(Script::new("large", &reply(11)).ask(1, 10).1, "at most 10 bytes, got one of 11");
    failed(Script::new("text", "echo certainly admitted, trust me").ask(1, 10).1, "expected a frame");
    let (got, result) = Script::new("second", &format!("{}; exit 4", reply(2))).ask(2, 10);
    assert_eq!(got.len(), 1, "the first one counts");
    failed(result, "exited with 4");
}
