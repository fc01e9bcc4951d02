//! Compiles the guests once for the whole test run, writes a table of them, and a macro that names each: a guest without
//! a test doesn't compile.

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("..").canonicalize()?;
    let folders = countersign_build::write_table(&root, "tests/guests", "guests")?;
    let mut names = String::from("/// Calls a macro with the name of each guest's folder, hyphens as underscores.\n");
    names.push_str("#[macro_export]\nmacro_rules! for_each_guest {\n    ($callback:ident) => {\n");
    for folder in folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().replace('-', "_");
        writeln!(names, "        $callback!({name});")?;
    }
    names.push_str("    };\n}\n");
    std::fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("names.rs"), names)?;
    Ok(())
}
