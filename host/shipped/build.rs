//! Compiles the shipped rules, and writes a table of them.

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    countersign_build::write_table(&root, "rules", "shipped")?;
    Ok(())
}
