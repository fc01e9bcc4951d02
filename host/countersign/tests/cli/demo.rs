//! `demo`: what a stranger sees.

use crate::support::Folder;

#[test]
fn the_demo_shows_decisions_with_reasons_and_what_was_found_of_the_labels() {
    let folder = Folder::new();
    for seed in [1, 2] {
        folder.generate(&format!("--seed {seed}"));
        let labels = folder.read("labels.ndjson");
        let attacks = labels.lines().filter(|line| line.contains("\"attack\":true")).count();
        let shown = folder.cli(&format!("demo --seed {seed}")).exits(0).stdout;
        for part in [
            "burst-of-denied-calls",
            "→ await-approval",
            "policy-cell",
            "floor-met",
            &format!("{attacks} of {attacks} labelled attacks were found."),
            "in the burst `terraform-run` stayed quiet.",
            "0 findings about the ",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(!shown.contains("missed"), "{shown}");
    }
}
