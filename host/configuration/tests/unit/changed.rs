//! What only a restart brings about.

use std::path::Path;

use crate::{Configuration, Overrides, Written};

fn read(text: &str) -> Configuration {
    let written = Written { name: "countersign.toml", folder: Path::new("conf"), text };
    Configuration::read(Some(written), &Overrides::default(), &|_| None).unwrap()
}

#[test]
fn each_key_that_differs_is_named_with_both_values() {
    let running = read("version = 1\n[api]\nsocket = \"a.sock\"\n[recorder]\nkeep = \"7d\"\n");
    assert_eq!(running.changed(&running), []);
    // Where a value stands doesn't matter.
    assert_eq!(running.changed(&read("version = 1\n\n[recorder]\nkeep = \"168h\"\n[api]\nsocket = \"a.sock\"\n")), []);
    let now = read("version = 1\n[files]\nrules = [\"mine\"]\n[recorder]\nkeep = \"8d\"\n[api]\nsocket = \"b.sock\"\n");
    let changed: Vec<String> = running
        .changed(&now)
        .into_iter()
        .map(|changed| format!("{}: {} -> {}", changed.key, changed.running, changed.now))
        .collect();
    let expected = [
        r#"files.rules: [] -> ["conf/mine"]"#,
        r#"recorder.keep: "7d" -> "8d""#,
        r#"api.socket: "conf/a.sock" -> "conf/b.sock""#,
    ];
    assert_eq!(changed, expected);
}
