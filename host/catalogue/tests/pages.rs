//! The generated pages are what the code's lists say. `UPDATE_EXPECT=1` writes them.

use std::fs;
use std::path::Path;

use countersign_catalogue::pages;

#[test]
fn generated_pages_equal_the_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut stale = Vec::new();
    for page in pages() {
        let path = folder.join(page.name);
        if update {
            fs::write(&path, &page.text).unwrap();
        } else if fs::read_to_string(&path).ok().as_ref() != Some(&page.text) {
            stale.push(page.name);
        }
    }
    assert!(stale.is_empty(), "{stale:?} differ from the code: run this test with UPDATE_EXPECT=1");
}

#[test]
fn generated_pages_are_indexed() {
    let index =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/README.md")).unwrap();
    for page in pages() {
        assert!(index.contains(&format!("({})", page.name)), "{} isn't in docs/reference/README.md", page.name);
    }
}
