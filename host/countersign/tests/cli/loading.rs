//! How rules become code: the compiler process and its limits, and a cache that was tampered with.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Stdio;

use countersign_admission::{admit, sections};
use countersign_declaration::Ceilings;

use crate::support::{Folder, Output, shipped};

const RULE: &str = "burst-of-denied-calls";
const OTHER: &str = "console-login-without-mfa";

/// A folder with telemetry of one hour, two rules, and a cache of its own.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.generate("");
    folder.shipped(&[RULE, OTHER]);
    // Some rules here are shipped ones with changes.
    folder.write("trust.toml", "[publisher.countersign]\nunsigned = true\n");
    folder
}

const REPLAY: &str = "replay --source cloudtrail --only-rules rules --trust trust.toml --cache cache";

/// Replays with a log of what is compiled.
fn replay(folder: &Folder, more: &str) -> Output {
    let words = format!("{REPLAY} {more} events.ndjson");
    let words: Vec<_> = words.split_whitespace().collect();
    let output = folder.command(&words).env("COUNTERSIGN_LOG", "debug").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    Output { code: output.status.code().unwrap(), stdout: untimed(&output.stdout), stderr }
}

/// Without the line that says how long it took.
fn untimed(stdout: &[u8]) -> String {
    let text = std::str::from_utf8(stdout).unwrap();
    text.lines().filter(|line| !line.starts_with("events ")).map(|line| format!("{line}\n")).collect()
}

fn compilations(ran: &Output) -> usize {
    ran.stderr.lines().filter(|line| line.contains("compiling")).count()
}

fn entries(folder: &Folder) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder.path("cache"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap() != "key")
        .collect();
    entries.sort();
    entries
}

/// A shipped rule that carries a module which nothing needs, but which is compiled with it.
fn with_module(fields: &str) -> Vec<u8> {
    let admitted = admit(shipped(RULE), &Ceilings::default()).unwrap();
    let mut component = admitted.component().to_vec();
    let module = wat::parse_str(format!("(component (core module {fields}))")).unwrap();
    component.extend_from_slice(&module[8..]);
    let bytes = sections::attach(&component, admitted.declaration(), admitted.data()).unwrap();
    admit(&bytes, &Ceilings::default()).unwrap();
    bytes
}

/// Many values that live across many branches: small to read, large for the register allocator.
fn bomb() -> Vec<u8> {
    let (locals, branches) = (1_500, 6_000);
    let mut body = String::new();
    for at in 0..branches {
        let (to, from) = (1 + at % locals, 1 + (at * 7 + 3) % locals);
        write!(
            body,
            "(if (local.get 0) (then (local.set {to} (i32.add (local.get {from}) (local.get 0)))) \
             (else (local.set {from} (i32.xor (local.get {to}) (local.get 0)))))"
        )
        .unwrap();
    }
    for at in 1..=locals {
        write!(body, "(local.set 0 (i32.mul (local.get 0) (local.get {at})))").unwrap();
    }
    let locals = "(local i32)".repeat(locals);
    with_module(&format!("(func (param i32) (result i32) {locals} {body} local.get 0)"))
}

#[test]
fn a_compile_bomb_is_cut_off_by_the_limit_that_it_hits_and_the_others_serve() {
    let folder = folder();
    fs::remove_file(folder.path(&format!("rules/{RULE}.wasm"))).unwrap();
    folder.write("rules/bomb.wasm", bomb());
    // The other rule is compiled under ordinary limits first.
    replay(&folder, "--compile-limit elapsed=1ms").exits(1);
    for (limit, part) in [
        // A fast machine fills a gibibyte within a second of processor time.
        ("cpu=1s --compile-limit memory=8GiB", "within the limit `cpu` of 1 s: "),
        ("elapsed=100ms", "within the limit `elapsed` of 0.1 s: "),
        ("memory=64MiB", "within the limit `memory` of 67108864 bytes: "),
    ] {
        let rest = folder.path("rules/bomb.wasm");
        let aside = folder.path("bomb.aside");
        fs::rename(&rest, &aside).unwrap();
        replay(&folder, "").exits(0);
        fs::rename(&aside, &rest).unwrap();
        let ran = replay(&folder, &format!("--compile-limit {limit}")).exits(1);
        assert!(ran.stderr.contains(part), "{limit}: {}", ran.stderr);
        assert!(ran.stderr.contains("raise the limit"), "{}", ran.stderr);
        assert!(ran.stdout.contains("findings"), "{}", ran.stdout);
    }
}

#[test]
fn what_is_compiled_once_is_kept_and_a_changed_declaration_compiles_nothing() {
    let folder = folder();
    let first = replay(&folder, "").exits(0);
    assert_eq!(compilations(&first), 2, "{}", first.stderr);
    assert_eq!(fs::metadata(folder.path("cache")).unwrap().mode() & 0o7777, 0o700);
    assert_eq!(fs::metadata(folder.path("cache/key")).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(entries(&folder).len(), 2);

    let admitted = admit(shipped(RULE), &Ceilings::default()).unwrap();
    let mut declaration = admitted.declaration().clone();
    declaration.limits.fuel += 1;
    let changed = sections::attach(admitted.component(), &declaration, Some(b"other data")).unwrap();
    folder.write(&format!("rules/{RULE}.wasm"), changed);
    let second = replay(&folder, "").exits(0);
    assert_eq!(compilations(&second), 0, "{}", second.stderr);
    assert_eq!(first.stdout, second.stdout);

    let third = replay(&folder, "--batch 7").exits(0);
    assert_eq!(compilations(&third), 0, "{}", third.stderr);
}

#[test]
fn without_a_cache_every_rule_is_compiled_and_nothing_is_kept() {
    let folder = folder();
    let words = "replay --source cloudtrail --only-rules rules --no-cache events.ndjson";
    folder.cli(words).exits(0);
    assert!(!folder.path("cache").exists());
    let both = folder.cli(&format!("{REPLAY} --no-cache events.ndjson")).exits(2);
    assert!(both.stderr.contains("cannot be used with"), "{}", both.stderr);
}

#[test]
fn a_changed_or_swapped_entry_is_reported_and_compiled_again() {
    let folder = folder();
    let honest = replay(&folder, "").exits(0);

    // One flipped bit.
    let path = entries(&folder).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, bytes).unwrap();
    let ran = replay(&folder, "").exits(0);
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(ran.stderr.contains("MAC is wrong") && ran.stderr.contains(name), "{}", ran.stderr);
    assert_eq!((compilations(&ran), &ran.stdout), (1, &honest.stdout), "{}", ran.stderr);

    // Another rule's.
    let [one, other] = &entries(&folder)[..] else { panic!("{:?}", entries(&folder)) };
    let aside = folder.path("cache/aside");
    fs::rename(one, &aside).unwrap();
    fs::rename(other, one).unwrap();
    fs::rename(&aside, other).unwrap();
    let ran = replay(&folder, "").exits(0);
    assert_eq!(ran.stderr.matches("MAC is wrong").count(), 2, "{}", ran.stderr);
    assert_eq!((compilations(&ran), &ran.stdout), (2, &honest.stdout), "{}", ran.stderr);

    // And everything is well again.
    let ran = replay(&folder, "").exits(0);
    assert_eq!((compilations(&ran), &ran.stdout), (0, &honest.stdout), "{}", ran.stderr);
}

#[test]
fn a_cache_that_others_can_write_is_refused_with_a_remedy() {
    let folder = folder();
    fs::create_dir(folder.path("cache")).unwrap();
    fs::set_permissions(folder.path("cache"), Permissions::from_mode(0o755)).unwrap();
    let ran = replay(&folder, "").exits(2);
    assert!(ran.stderr.contains("mode 0755") && ran.stderr.contains("chmod 700"), "{}", ran.stderr);

    fs::rename(folder.path("cache"), folder.path("elsewhere")).unwrap();
    symlink(folder.path("elsewhere"), folder.path("cache")).unwrap();
    let ran = replay(&folder, "").exits(2);
    assert!(ran.stderr.contains("symbolic link") && ran.stderr.contains("--no-cache"), "{}", ran.stderr);
}

#[test]
fn a_default_cache_that_cannot_be_made_stops_nothing() {
    let folder = folder();
    folder.write("file", "");
    let words = ["replay", "--source", "cloudtrail", "--only-rules", "rules", "events.ndjson"];
    let output = folder.command(&words).env("XDG_CACHE_HOME", folder.path("file")).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("compiled rules aren't kept"), "{stderr}");
}

#[test]
fn processes_share_a_cache_safely() {
    let folder = folder();
    let words = format!("{REPLAY} events.ndjson");
    let words: Vec<_> = words.split_whitespace().collect();
    let started: Vec<_> =
        (0..3).map(|_| folder.command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()).collect();
    let ended: Vec<_> = started.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    for output in &ended {
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(untimed(&output.stdout), untimed(&ended[0].stdout));
        assert!(!String::from_utf8_lossy(&output.stderr).contains("MAC"));
    }
    assert_eq!(entries(&folder).len(), 2);
}

#[test]
fn the_child_processes_refuse_anything_but_frames() {
    let folder = Folder::new();
    for command in ["compile", "admit"] {
        let mut child = folder
            .command(&[command, "--memory", "268435456", "--cpu", "5"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(b"\0asm\x0d\0\x01\0").unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stdout), (Some(2), Vec::new()), "{command}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("expected a frame"), "{command}");

        let help = folder.cli(&format!("{command} --help")).exits(0);
        assert!(help.stdout.contains("CSCHLD1"), "{}", help.stdout);
        assert!(!folder.cli("--help").exits(0).stdout.contains(&format!("  {command} ")));
    }
    let limits = folder.cli("replay --source cloudtrail --compile-limit fuel=1 x").exits(2);
    assert!(limits.stderr.contains("`memory`, `cpu` or `elapsed`"), "{}", limits.stderr);
}

/// The refusals and the number of rules that were read by a child process.
fn read(ran: &Output) -> (Vec<String>, Vec<String>) {
    let lines = |part: &str| ran.stderr.lines().filter(|line| line.contains(part)).map(str::to_owned).collect();
    let numbers: Vec<String> = lines("admitting");
    let numbers = numbers.iter().filter_map(|line| Some(line.rsplit_once("rules=")?.1.to_owned())).collect();
    (lines("  wasm-"), numbers)
}

#[test]
fn a_rule_is_read_once_refused_or_not_and_a_shipped_one_never() {
    let folder = folder();
    assert_eq!(read(&replay(&folder, "").exits(0)), (vec![], vec![]));

    let admitted = admit(shipped(RULE), &Ceilings::default()).unwrap();
    let attach = |fields: &str, data: &[u8]| {
        let fields = wat::parse_str(format!("(component {fields})")).unwrap();
        let component = [admitted.component(), &fields[8..]].concat();
        sections::attach(&component, admitted.declaration(), Some(data)).unwrap()
    };
    folder.write(&format!("rules/{RULE}.wasm"), attach("", b"other data"));
    folder.write("rules/invalid.wasm", attach("(core module (func (result i32)))", b""));
    folder.write("rules/threads.wasm", attach("(core module (memory 1 1 shared))", b""));
    let first = replay(&folder, "").exits(1);
    let (refusals, numbers) = read(&first);
    assert!(refusals.len() == 2 && numbers == ["3"], "{}", first.stderr);
    let second = replay(&folder, "").exits(1);
    assert_eq!(read(&second), (refusals, vec![]), "{}", second.stderr);
    assert_eq!(second.stdout, first.stdout);
}

#[test]
fn a_component_that_breaks_what_reads_it_is_refused_by_every_command() {
    let folder = folder();
    let deep = format!("(core module (func {} {}))", "block ".repeat(200_000), "end ".repeat(200_000));
    let fields = wat::parse_str(format!("(component {deep})")).unwrap();
    let admitted = admit(shipped(RULE), &Ceilings::default()).unwrap();
    let component = [admitted.component(), &fields[8..]].concat();
    folder.write("rules/deep.wasm", sections::attach(&component, admitted.declaration(), None).unwrap());
    for words in ["rule check rules/deep.wasm", "rule verify rules/deep.wasm", "rule inspect rules/deep.wasm"] {
        let ran = folder.cli(words).exits(1);
        assert!(ran.stdout.contains("wasm-too-complex"), "`{words}`: {}{}", ran.stdout, ran.stderr);
    }
    let version = folder.cli("--version").exits(0);
    assert!(version.stdout.contains("confined:  limits"), "{}", version.stdout);
}
