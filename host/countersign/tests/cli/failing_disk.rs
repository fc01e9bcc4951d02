//! A file system that fails while a host serves: a sync that fails with an error of the device, after which the system makes the
//! file system read-only. And one that is read-only from the beginning.
//!
//! Nothing is put in the way of the host: its state is on a small ext4 of its own, whose device runs out of room. That needs to
//! be allowed to mount, else the tests are skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use countersign_api::ClientError;
use serde_json::Value;

use crate::served::{Served, configure, is_whole, prepared, send_as};

/// How large the device is said to be, and how much of it there is.
const SAID: &str = "192M";
const THERE: &str = "48m";

/// A file system of a test's own. It is unmounted when this is dropped.
struct Disk {
    folder: PathBuf,
    mount: PathBuf,
}

fn run(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

impl Disk {
    /// Mounts one at a path; none where that isn't allowed.
    fn make(folder: &Path, mount: PathBuf) -> Option<Disk> {
        let disk = Disk { folder: folder.join("device"), mount };
        fs::create_dir(&disk.folder).unwrap();
        fs::create_dir(&disk.mount).unwrap();
        let there = format!("size={THERE}");
        let made = run("mount", &["-t", "tmpfs", "-o", &there, "tmpfs", disk.text()])
            && run("truncate", &["-s", SAID, &disk.image()])
            && run("mkfs.ext4", &["-q", "-F", "-J", "size=4", &disk.image()])
            && disk.mounted("loop,errors=remount-ro");
        made.then_some(disk)
    }

    fn text(&self) -> &str {
        self.folder.to_str().unwrap()
    }

    fn image(&self) -> String {
        format!("{}/image", self.text())
    }

    fn mounted(&self, options: &str) -> bool {
        run("mount", &["-o", options, &self.image(), self.mount.to_str().unwrap()])
    }

    /// Takes all that is left of the device: what is written to it fails from here on.
    fn fail(&self) {
        let fill = format!("{}/fill", self.text());
        drop(Command::new("dd").args(["if=/dev/zero", "bs=64k", &format!("of={fill}")]).output());
    }

    /// Gives the device back, and repairs the file system as an operator would.
    fn repair(&self) {
        fs::remove_file(self.folder.join("fill")).unwrap();
        assert!(run("umount", &[self.mount.to_str().unwrap()]));
        // It exits with 1 where it has put something right.
        Command::new("e2fsck").args(["-fy", &self.image()]).output().unwrap();
        assert!(self.mounted("loop"));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        run("umount", &[self.mount.to_str().unwrap()]);
        run("umount", &[self.text()]);
    }
}

#[test]
fn a_sync_that_fails_and_a_file_system_that_turns_read_only_lose_nothing() {
    let (folder, lines) = prepared();
    let Some(disk) = Disk::make(&folder.path(""), folder.path("state")) else {
        println!("skipped: it needs to be allowed to mount a loop device with ext4");
        return;
    };
    let configuration = configure(&folder, "state");
    let served = Served::start(&folder, &configuration);
    served.wait("serves", |status| status["judged"]["generation"] == 1);
    let (before, after) = lines.split_at(lines.len() / 2);
    send_as(&served.client, "first", before, Duration::ZERO);
    disk.fail();
    // Senders are refused once the device fails; what they were answered before counts.
    let (began, mut acknowledged) = (Instant::now(), 0);
    let refused = loop {
        let Some(line) = after.get(acknowledged) else { break None };
        let body = format!("{line}\n").into_bytes();
        let key = format!("failing-{acknowledged}");
        match served.client.send::<Value>("/v1/sources/sent/events", Some(&key), body) {
            Ok(_) => acknowledged += 1,
            Err(error) => break Some(error),
        }
        assert!(began.elapsed() < Duration::from_secs(60));
    };
    let Some(ClientError::Refused { status: 503, .. }) = refused else {
        panic!("expected to be refused after {acknowledged} records, got {refused:?}")
    };
    let ready: Value = served.client.get("/readyz").unwrap();
    assert_eq!(ready["ready"], false, "{ready}");
    served.wait("says so", |status| {
        let alarms = status["alarms"].as_array().cloned().unwrap_or_default();
        alarms.iter().any(|alarm| alarm["alarm"] == "recording-fails" || alarm["alarm"] == "judging-stopped")
    });
    // The system has made the file system read-only by now: nothing more is acknowledged.
    assert!(fs::write(folder.path("state/probe"), "").is_err());
    let again = served.client.send::<Value>("/v1/sources/sent/events", Some("read-only"), b"{}\n".to_vec());
    assert!(matches!(again, Err(ClientError::Refused { status: 503, .. })), "{again:?}");
    served.kill();
    let log = folder.read("host.log");
    assert!(log.contains("disk I/O error") || log.contains("readonly") || log.contains("Read-only"), "{log}");

    // While it is read-only a host says why it can't serve.
    let ran = folder.cli("run --config state.toml");
    assert!(ran.code > 0 && ran.stderr.contains("state"), "{}", ran.stderr);
    disk.repair();
    let served = Served::start(&folder, &configuration);
    served.wait("serves", |status| status["judged"]["generation"] == 1);
    for (number, line) in after.iter().enumerate() {
        // What was acknowledged is recognised by its key, and isn't recorded again.
        let (key, body) = (format!("failing-{number}"), format!("{line}\n").into_bytes());
        served.client.send::<Value>("/v1/sources/sent/events", Some(&key), body).unwrap();
    }
    served.wait_judged();
    served.stop();
    is_whole(&folder, "state", &[("sent", &lines)]);
    println!("the device failed after {acknowledged} more records");
}

#[test]
fn a_state_folder_that_is_read_only_is_refused_with_its_path() {
    let (folder, lines) = prepared();
    let state = folder.path("state");
    fs::create_dir(&state).unwrap();
    let mount = state.to_str().unwrap();
    if !run("mount", &["-t", "tmpfs", "-o", "size=64m,mode=700", "tmpfs", mount]) {
        println!("skipped: it needs to be allowed to mount");
        return;
    }
    let configuration = configure(&folder, "state");
    let served = Served::start(&folder, &configuration);
    served.wait("serves", |status| status["judged"]["generation"] == 1);
    send_as(&served.client, "first", &lines, Duration::ZERO);
    served.wait_judged();
    served.stop();
    let read_only = run("mount", &["-o", "remount,ro", mount]);
    let ran = folder.cli("run --config state.toml");
    let verified = folder.cli("audit verify state/store.db");
    let back = run("mount", &["-o", "remount,rw", mount]);
    let goes_on = read_only && back && {
        let served = Served::start(&folder, &configuration);
        served.wait_judged();
        served.stop();
        true
    };
    if goes_on {
        is_whole(&folder, "state", &[("sent", &lines)]);
    }
    run("umount", &[mount]);
    assert!(goes_on);
    assert!(ran.code > 0 && ran.stderr.contains("ead-only"), "{}", ran.stderr);
    assert!(ran.stderr.contains("state"), "{}", ran.stderr);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
}
