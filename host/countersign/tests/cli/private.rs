//! What leaves the host is closed to others, and goes nowhere else than where the command line says.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::process::Command;

use crate::support::Folder;

/// A record that can't be used, after one that can.
const RECORDS: &str = "{\"eventName\":1}\nno record\n";

fn mode(folder: &Folder, name: &str) -> u32 {
    fs::symlink_metadata(folder.path(name)).unwrap().mode() & 0o7777
}

/// Runs words under a umask.
fn under(folder: &Folder, umask: &str, words: &str) -> std::process::Output {
    let command = folder.command(&words.split_whitespace().collect::<Vec<_>>());
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]).arg(command.get_program());
    shell.args(command.get_args()).current_dir(folder.path("."));
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.output().unwrap()
}

#[test]
fn what_a_replay_writes_is_closed_to_others_whatever_the_umask_is() {
    let folder = Folder::new();
    folder.prepare("--bad 200");
    for umask in ["000", "022"] {
        let kept = [
            "replay --source cloudtrail --only-rules rules events.ndjson --audit run.audit --replace".to_owned(),
            format!(
                "replay --source cloudtrail --only-rules rules events.ndjson --store {umask}.db --dead-letters dead.ndjson"
            ),
        ];
        for words in kept {
            let output = under(&folder, umask, &words);
            assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
        }
        let files = ["run.audit", "run.audit.dead-letters.ndjson", "dead.ndjson", &format!("{umask}.db")];
        for name in files {
            assert_eq!(mode(&folder, name), 0o600, "{name} under {umask}");
            if name.ends_with("ndjson") {
                fs::remove_file(folder.path(name)).unwrap();
            }
        }
        assert_eq!(mode(&folder, "run.audit.bundles"), 0o700);
        let mut blobs = 0;
        for entry in fs::read_dir(folder.path("run.audit.bundles")).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().mode() & 0o7777, 0o600);
            blobs += 1;
        }
        assert!(blobs > 0);
        // Generated telemetry is nobody's, and is left to the umask.
        let output = under(&folder, umask, &format!("generate --out {umask}.ndjson"));
        assert!(output.status.success());
        assert_eq!(mode(&folder, &format!("{umask}.ndjson")), if umask == "000" { 0o666 } else { 0o644 });
    }
}

#[test]
fn links_and_pipes_are_refused_with_what_to_do() {
    let folder = Folder::new();
    folder.write("events.ndjson", RECORDS);
    folder.write("victim", "");
    folder.shipped(&["console-login-without-mfa"]);
    symlink(folder.path("victim"), folder.path("link")).unwrap();
    assert!(Command::new("mkfifo").arg(folder.path("pipe")).status().unwrap().success());
    let replay = "replay --source cloudtrail --only-rules rules events.ndjson";
    for (name, got) in [("link", "a symbolic link: name what it points to"), ("pipe", "a pipe: name another file")] {
        for command in [
            format!("{replay} --audit {name}"),
            format!("{replay} --audit {name} --replace"),
            format!("{replay} --store {name}"),
            format!("{replay} --dead-letters {name}"),
            format!("audit verify {name}"),
            format!("audit recompute {name}"),
            format!("audit list {name}"),
            format!("state list countersign/console-login-without-mfa --store {name}"),
        ] {
            let output = folder.cli(&command).exits(2);
            let expected = format!("can't use `{name}`: expected a regular file, got {got}");
            assert!(output.stderr.contains(&expected), "{command}: {}", output.stderr);
        }
    }
    assert_eq!(folder.read("victim"), "");
}

#[test]
fn dead_letters_still_go_to_standard_output_wherever_it_leads() {
    let folder = Folder::new();
    folder.write("events.ndjson", RECORDS);
    folder.shipped(&["console-login-without-mfa"]);
    let words =
        "replay --source cloudtrail --only-rules rules --max-dead 1 events.ndjson --dead-letters /dev/stdout --json";
    let piped = folder.cli(words);
    assert!(piped.stdout.contains("\"type\":\"dead-letter\""), "{}", piped.stdout);
    let file = fs::File::create(folder.path("out")).unwrap();
    folder.command(&words.split_whitespace().collect::<Vec<_>>()).stdout(file).status().unwrap();
    assert!(folder.read("out").contains("\"type\":\"dead-letter\""));
    folder.cli("replay --source cloudtrail --only-rules rules events.ndjson --dead-letters /dev/null");
}
