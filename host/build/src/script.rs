//! For build scripts: builds a folder of rules, and writes a table of their bytes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use countersign_admission::fingerprint;

use crate::{BuildError, BuildOptions, build_rule, ensure_target, find_rules};

/// The folders that guests depend on besides their own, from the project's root.
const PARTS: &[&str] = &["guest-sdk", "wit", "host/vocabulary", "host/declaration", "host/model"];

/// Builds the rules in a folder under the project's root, and writes two expressions into the build script's `OUT_DIR`,
/// slices in the order of the folders: `<name>.rs` of `(id, bytes)`, and `<name>-digests.rs` of `RuleDigests` with the
/// members `id`, `version`, `file`, `code`, `declaration` and `data`, which the crate declares that includes it. Returns the rules' folders in that order. Prints
/// what cargo is to watch, and fails the build if a rule doesn't build.
///
/// # Errors
/// Outside a build script, and when the table can't be written.
pub fn write_table(root: &Path, folder: &str, name: &str) -> Result<Vec<PathBuf>, BuildError> {
    for part in PARTS.iter().chain([&folder]) {
        println!("cargo::rerun-if-changed={}", root.join(part).display());
    }
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from);
    // <target>/<profile>/build/<package>/out
    let place = out.as_ref().and_then(|out| Some((out, out.ancestors().nth(4)?)));
    let Some((out, target)) = place else {
        return Err(BuildError::Cargo(
            "expected to run in a build script, whose `OUT_DIR` is in a target directory; it is not set, or elsewhere"
                .to_owned(),
        ));
    };
    let options = BuildOptions { target_dir: target.join("guests") };
    let folders = find_rules(&[root.join(folder)])?;
    let (mut table, mut digests) = (String::from("&[\n"), String::from("&[\n"));
    let mut build_all = || -> Result<(), BuildError> {
        ensure_target()?;
        for rule in &folders {
            let built = build_rule(rule, &options)?;
            let id = &built.admitted.declaration().id;
            let file = out.join(id.file_name());
            write(&file, &built.bytes)?;
            // Writing to a string doesn't fail.
            let _ = writeln!(table, "    ({:?}, include_bytes!({file:?})),", id.as_str());
            let version = built.admitted.declaration().version.to_string();
            let file = fingerprint(&built.bytes).0;
            let (code, declaration) = (built.admitted.code().0, built.admitted.declaration_digest().0);
            let data = built.admitted.data_digest().map(|digest| digest.0);
            let _ = writeln!(
                digests,
                "    RuleDigests {{ id: {:?}, version: {version:?}, file: {file:?}, code: {code:?}, declaration: {declaration:?}, \
                 data: {data:?} }},",
                id.as_str()
            );
        }
        Ok(())
    };
    if let Err(error) = build_all() {
        for line in error.to_string().lines() {
            println!("cargo::error={line}");
        }
    }
    for (file, mut expression) in [(format!("{name}.rs"), table), (format!("{name}-digests.rs"), digests)] {
        expression.push(']');
        write(&out.join(file), expression.as_bytes())?;
    }
    Ok(folders)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    std::fs::write(path, bytes).map_err(|source| BuildError::File { path: path.to_owned(), source })
}
