//! Runs the cargo that compiles a guest: with its own target directory and profile, and none of the settings of a
//! surrounding build. Build scripts and macros of the guest and of all that it depends on are run: they can do what this
//! user can, so its sources must be trusted.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use countersign_declaration::Declaration;
use countersign_text::path as shown;

use crate::{BuildError, BuildOptions, environment};

/// The target of guests: it has no imports of its own.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// The profile of guests, passed on the command line: their crate need not be part of this workspace.
const PROFILE: &[&str] = &[
    "profile.guest.inherits=\"release\"",
    "profile.guest.opt-level=3",
    "profile.guest.lto=\"fat\"",
    "profile.guest.codegen-units=1",
    "profile.guest.panic=\"abort\"",
    "profile.guest.strip=\"debuginfo\"",
    "profile.guest.debug=false",
    "profile.guest.overflow-checks=true",
];

/// Stack of a guest, bytes.
const STACK: u64 = 128 << 10;

/// Initial memory of a guest, bytes: each growth costs a system call, and untouched memory costs nothing.
const INITIAL_MEMORY: u64 = 2 << 20;

/// WebAssembly's page, bytes.
const PAGE: u64 = 64 << 10;

/// Compiles a rule's crate to a core module.
pub(crate) fn compile(rule: &Path, declaration: &Declaration, options: &BuildOptions) -> Result<Vec<u8>, BuildError> {
    let absolute =
        |path: &Path| std::path::absolute(path).map_err(|source| BuildError::File { path: path.to_owned(), source });
    let manifest = absolute(&rule.join("Cargo.toml"))?;
    let locked = has_lock_file(&manifest);
    let mut command = cargo();
    command
        .args(["rustc", "--lib", "--crate-type", "cdylib", "--target", TARGET, "--profile", "guest"])
        .args(["--message-format", "json-render-diagnostics", "--quiet", "--manifest-path"])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(absolute(&options.target_dir)?);
    if locked {
        // What was reviewed is built, and nothing newer.
        command.arg("--locked");
    }
    for setting in PROFILE {
        command.args(["--config", setting]);
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags(declaration, &manifest));
    let program = command.get_program().to_owned();
    let output = command
        .output()
        .map_err(|error| BuildError::Cargo(format!("`{}` can't be run: {error}", program.to_string_lossy())))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let why = if locked && said.contains("--locked") {
            format!(
                "its Cargo.lock isn't up to date, and nothing else than what it names is built: \
                 `cargo update --workspace --manifest-path {}` brings it up to date",
                shown(&manifest)
            )
        } else {
            "the rule doesn't compile".to_owned()
        };
        return Err(BuildError::Cargo(format!("{}: {why}\n{}", shown(rule), said.trim_end())));
    }
    let module = artifact(&output.stdout, &manifest).ok_or_else(|| {
        BuildError::Cargo(format!("{}: cargo named no WebAssembly module; is there a `src/lib.rs`?", shown(rule)))
    })?;
    std::fs::read(&module).map_err(|source| BuildError::File { path: module, source })
}

/// A cargo with an environment that has only what it needs.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.env_clear().envs(environment::passed_on(std::env::vars_os())).stdin(Stdio::null());
    command
}

/// Whether the crate, or the workspace that it is a member of, has a lock file. Runs nothing of it.
fn has_lock_file(manifest: &Path) -> bool {
    let mut command = cargo();
    command.args(["locate-project", "--workspace", "--message-format", "plain", "--manifest-path"]).arg(manifest);
    let root = match command.output() {
        Ok(output) if output.status.success() => PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()),
        // Compiling reports what is wrong.
        _ => manifest.to_owned(),
    };
    root.with_file_name("Cargo.lock").is_file()
}

/// Enters a new crate into the lock file of its workspace, if there is one: nothing else in it changes. From what this
/// machine has, if that suffices.
///
/// # Errors
/// When cargo can't.
pub(crate) fn lock(rule: &Path) -> Result<bool, BuildError> {
    let manifest = std::path::absolute(rule.join("Cargo.toml"))
        .map_err(|source| BuildError::File { path: rule.to_owned(), source })?;
    if !has_lock_file(&manifest) {
        return Ok(false);
    }
    let update = |more: &[&str]| {
        let mut command = cargo();
        command.args(["update", "--workspace", "--quiet"]).args(more).arg("--manifest-path").arg(&manifest);
        command.output().map_err(|error| BuildError::Cargo(format!("cargo can't be run: {error}")))
    };
    if update(&["--offline"])?.status.success() {
        return Ok(true);
    }
    let output = update(&[])?;
    if output.status.success() {
        return Ok(true);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(BuildError::Cargo(format!("{}: its Cargo.lock can't be brought up to date\n{}", shown(rule), said.trim_end())))
}

/// Compiler flags, in cargo's encoding: separated by 0x1f. Paths are remapped so that the same source gives the same
/// bytes on every machine, and panic messages contain no local paths.
fn flags(declaration: &Declaration, manifest: &Path) -> OsString {
    let initial = INITIAL_MEMORY.min(declaration.limits.memory) / PAGE * PAGE;
    let mut flags: Vec<OsString> = vec![
        format!("-Clink-arg=--initial-memory={initial}").into(),
        format!("-Clink-arg=-zstack-size={STACK}").into(),
        "-Clink-arg=--stack-first".into(),
    ];
    let mut remap = |from: PathBuf, to: &str| {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(from);
        flag.push("=");
        flag.push(to);
        flags.push(flag);
    };
    if let Some(home) = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
    {
        remap(home, "/cargo");
    }
    let folders = manifest.ancestors().skip(1);
    let root = folders.clone().filter(|folder| folder.join("Cargo.lock").is_file()).last();
    if let Some(root) = root.or_else(|| folders.into_iter().next()) {
        remap(root.to_owned(), "/rules");
    }
    flags.join(&OsString::from("\u{1f}"))
}

/// The WebAssembly file that cargo's messages name for this manifest.
fn artifact(messages: &[u8], manifest: &Path) -> Option<PathBuf> {
    messages
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok())
        .filter(|message| message.get("reason").is_some_and(|reason| reason == "compiler-artifact"))
        .filter(|message| {
            let named = message.get("manifest_path").and_then(|path| path.as_str()).map(Path::new);
            named.is_some_and(|named| named == manifest || named.canonicalize().ok() == manifest.canonicalize().ok())
        })
        .filter_map(|message| {
            let files = message.get("filenames")?.as_array()?.clone();
            files.iter().filter_map(|file| file.as_str()).find(|file| file.ends_with(".wasm")).map(PathBuf::from)
        })
        .next_back()
}
