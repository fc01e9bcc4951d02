//! The operator's files about context: their faults are part together, and a generation names each.

use crate::support::{Folder, ndjson};

const EGRESS: &str = "version = 1\nas-of = 2026-03-01\n[[egress]]\nname = \"office\"\nkind = \"office\"\n\
                      networks = [\"198.51.100.0/24\"]\n";
const ROLES: &str = "version = 1\nas-of = 2026-03-01\n[[host]]\nhost = \"dc01\"\nroles = [\"domain-controller\"]\n";
const GEO: &str = "version = 1\nas-of = 2026-03-01\n[[location]]\nnetworks = [\"198.51.100.0/24\"]\ncountry = \"DE\"\n";

const REPLAY: &str = "replay --source cloudtrail --only-rules rules --egress egress.toml --domain-roles roles.toml \
                      --geo geo.toml events.ndjson";

#[test]
fn faults_of_all_files_are_reported_together() {
    let folder = Folder::new();
    folder.write("events.ndjson", "");
    folder.write("egress.toml", EGRESS.replace("198.51.100.0", "198.51.100.1").replace("office\"\nn", "ofice\"\nn"));
    folder.write("roles.toml", ROLES.replace("roles", "role"));
    folder.write("geo.toml", [&[0xff; 64][..], b"\xAB\xCD\xEFMaxMind.com", &[0xff; 8][..]].concat());
    let ran = folder.cli(&format!("{REPLAY} --geo missing.mmdb")).exits(2);
    for part in [
        "egress.toml: line 5",
        "did you mean `office`?",
        "expected `198.51.100.0/24`",
        "roles.toml: line 5",
        "did you mean `roles`?",
        "geo.toml: expected a sound MaxMind database",
        "`missing.mmdb`",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_generation_names_its_files_and_is_made_again() {
    let folder = Folder::new();
    folder.prepare("");
    folder.write("egress.toml", EGRESS);
    folder.write("roles.toml", ROLES);
    folder.write("geo.toml", GEO);
    folder.cli(&format!("{REPLAY} --audit run.audit")).exits(0);
    let records = ndjson(&folder.read("run.audit"));
    let text = records[1].to_string();
    let named: Vec<&str> = ["egress", "domain-roles", "geo"]
        .into_iter()
        .filter(|table| text.contains(&format!("\"table\":\"{table}\"")))
        .collect();
    assert_eq!(named, ["egress", "domain-roles", "geo"], "{text}");
    folder.cli("audit recompute run.audit").exits(0);

    // Another egress, another generation; nothing else of it differs.
    folder.write(
        "egress.toml",
        EGRESS.replace("office", "branch office").replacen("kind = \"branch office\"", "kind = \"office\"", 1),
    );
    folder.cli(&format!("{REPLAY} --audit other.audit")).exits(0);
    assert_ne!(ndjson(&folder.read("other.audit"))[1], records[1]);
    // A blob of a context file is evidence like any other.
    let blob = std::fs::read_dir(folder.path("run.audit.bundles"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| std::fs::read(path).unwrap() == EGRESS.as_bytes())
        .expect("the egress is kept");
    std::fs::write(&blob, EGRESS.replace("/24", "/25")).unwrap();
    let ran = folder.cli("audit recompute run.audit");
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.contains(&*blob.file_name().unwrap().to_string_lossy()), "{}", ran.stderr);
}
