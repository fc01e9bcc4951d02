//! Runs the binary in a folder of its own.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use countersign_admission::{admit, sections};
use countersign_declaration::Ceilings;
use countersign_shipped::RULES;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;

/// The result of a command.
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// Checks the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Output {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Its output as NDJSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        ndjson(&self.stdout)
    }
}

/// A folder in which commands run.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Copies a folder of the repository's, with all below it, to `name`.
    pub(crate) fn copy(&self, folder: &str, name: &str) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
        for entry in fs::read_dir(&from).unwrap() {
            let entry = entry.unwrap();
            let to = format!("{name}/{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                self.copy(&format!("{folder}/{}", entry.file_name().to_str().unwrap()), &to);
            } else {
                self.write(&to, fs::read(entry.path()).unwrap());
            }
        }
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A file's text once it has this.
    pub(crate) fn wait_for(&self, name: &str, part: &str) -> String {
        let started = std::time::Instant::now();
        loop {
            let text = self.read(name);
            if text.contains(part) {
                return text;
            }
            assert!(started.elapsed() < std::time::Duration::from_secs(60), "expected `{part}`, got: {text}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// A command that isn't started yet, without what would change its output from this process's environment.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_countersign"));
        let mut command = Command::new(binary);
        // Guests are compiled where the build script compiled them.
        let target = binary.ancestors().nth(2).unwrap();
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env("CARGO_TARGET_DIR", target)
            // Compiled rules are kept from test to test, and from run to run.
            .env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("caches"))
            .env_remove("COUNTERSIGN_LOG")
            .env_remove("CLICOLOR_FORCE")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Output {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let ran =
            Output { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "colour without a terminal");
        ran
    }

    /// Runs words separated by blanks.
    pub(crate) fn cli(&self, words: &str) -> Output {
        self.run(&words.split_whitespace().collect::<Vec<_>>())
    }

    /// Telemetry of the demo: `events.ndjson`, `identities.toml`, `labels.ndjson`.
    pub(crate) fn generate(&self, more: &str) {
        let command = "generate --out events.ndjson --identities identities.toml --labels labels.ndjson";
        self.cli(&format!("{command} {more}")).exits(0);
    }

    /// The same, and in `rules` some of the shipped rules: fewer to compile.
    pub(crate) fn prepare(&self, more: &str) {
        self.generate(more);
        self.shipped(&["burst-of-denied-calls", "console-login-without-mfa", "graduated-containment"]);
    }

    /// Some shipped rules as files in `rules`.
    pub(crate) fn shipped(&self, names: &[&str]) {
        for name in names {
            self.write(&format!("rules/{name}.wasm"), shipped(name));
        }
    }
}

/// A text, compressed.
pub(crate) fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// A shipped rule's bytes.
pub(crate) fn shipped(name: &str) -> &'static [u8] {
    RULES.iter().find(|(id, _)| *id == format!("countersign/{name}")).unwrap().1
}

/// A shipped rule under another id.
pub(crate) fn renamed(name: &str, id: &str) -> Vec<u8> {
    let admitted = admit(shipped(name), &Ceilings::default()).unwrap();
    let mut declaration = admitted.declaration().clone();
    declaration.id = id.parse().unwrap();
    sections::attach(admitted.component(), &declaration, admitted.data()).unwrap()
}

#[track_caller]
pub(crate) fn ndjson(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The lines of a type.
pub(crate) fn of_type<'a>(lines: &'a [Value], ty: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == ty).collect()
}

/// The keys of an object.
pub(crate) fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}
