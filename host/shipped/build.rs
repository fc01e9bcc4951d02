//! Compiles the shipped rules, and writes a table of them.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use countersign_build::{BuildOptions, build_rule, ensure_target, find_rules};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    // What the guests are made of.
    for part in ["rules", "guest-sdk", "wit", "host/vocabulary", "host/declaration", "host/model"] {
        println!("cargo::rerun-if-changed={}", root.join(part).display());
    }
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    // <target>/<profile>/build/<package>/out
    let target = out.ancestors().nth(4).ok_or("the build script's folder lies outside a target directory")?;
    let options = BuildOptions { target_dir: target.join("guests") };

    if let Err(error) = build_all(&root, &out, &options) {
        for line in error.to_string().lines() {
            println!("cargo::error={line}");
        }
    }
    Ok(())
}

fn build_all(root: &Path, out: &Path, options: &BuildOptions) -> Result<(), Box<dyn Error>> {
    ensure_target()?;
    let mut table = String::from("&[\n");
    for rule in find_rules(&[root.join("rules")])? {
        let built = build_rule(&rule, options)?;
        let file = out.join(built.admitted.declaration().id.file_name());
        std::fs::write(&file, &built.bytes)?;
        writeln!(table, "    ({:?}, include_bytes!({:?})),", built.admitted.declaration().id.as_str(), file)?;
    }
    table.push(']');
    std::fs::write(out.join("shipped.rs"), table)?;
    Ok(())
}
