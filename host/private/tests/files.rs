//! What is made is closed to others whatever the umask is; what isn't a regular file is refused at once.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy takes for other code")]

use std::fs::{self, File, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use countersign_private::{
    NotRegular, append, append_or_create, check, create, create_new, make_folder, make_new_folder, read, replace,
    tighten,
};
use tempfile::TempDir;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

type Opens = fn(&Path) -> std::io::Result<File>;

const OPENS: [(&str, Opens); 5] = [
    ("read", read),
    ("append", append),
    ("create_new", create_new),
    ("append_or_create", append_or_create),
    ("create", create),
];

/// Run by the next test, in a process with another umask.
#[test]
#[ignore = "changes the umask of its process"]
fn under_a_umask() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    make_folder(&at("a/b/c")).unwrap();
    for made in ["a", "a/b", "a/b/c"] {
        assert_eq!(mode(&at(made)), 0o700, "{made}");
    }
    for (name, open) in [("new", create_new as Opens), ("appended", append_or_create), ("made", create)] {
        let path = at("a/b/c").join(name);
        open(&path).unwrap().write_all(b"evidence").unwrap();
        assert_eq!((mode(&path), text(&path).as_str()), (0o600, "evidence"), "{name}");
    }
}

#[test]
fn what_is_made_is_closed_to_others_whatever_the_umask_is() {
    for umask in ["000", "022", "077"] {
        let child = Command::new("sh")
            .args(["-c", "umask $1; exec \"$0\" --exact under_a_umask --ignored --test-threads 1"])
            .arg(std::env::current_exe().unwrap())
            .arg(umask)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout).into_owned();
        assert!(child.status.success() && said.contains("1 passed"), "umask {umask}: {said}");
    }
}

#[test]
fn a_file_that_was_open_to_others_is_closed_when_it_is_written() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("old");
    for open in [append as Opens, append_or_create, create] {
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        open(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
    }
    // Reading changes nothing, and neither does what is narrower.
    for (before, open) in [(0o644, read as Opens), (0o400, read)] {
        fs::set_permissions(&path, Permissions::from_mode(before)).unwrap();
        open(&path).unwrap();
        assert_eq!(mode(&path), before);
    }
    fs::set_permissions(&path, Permissions::from_mode(0o646)).unwrap();
    tighten(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    tighten(&folder.path().join("nothing")).unwrap();
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("victim"), "untouched").unwrap();
    fs::set_permissions(at("victim"), Permissions::from_mode(0o644)).unwrap();
    symlink(at("victim"), at("link")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    fs::create_dir(at("folder")).unwrap();
    let _listener = UnixListener::bind(at("socket")).unwrap();
    for (name, expected) in [
        ("link", "expected a regular file, got a symbolic link: name what it points to"),
        ("dangling", "expected a regular file, got a symbolic link: name what it points to"),
        ("pipe", "expected a regular file, got a pipe: name another file"),
        ("folder", "expected a regular file, got a folder: name another file"),
        ("socket", "expected a regular file, got a socket: name another file"),
    ] {
        for (how, open) in OPENS {
            let error = open(&at(name)).unwrap_err();
            assert_eq!(error.to_string(), expected, "{how} {name}");
            assert!(NotRegular::of(&error).is_some(), "{how} {name}");
        }
        assert_eq!(check(&at(name)).unwrap_err().to_string(), expected);
        assert_eq!(tighten(&at(name)).unwrap_err().to_string(), expected);
    }
    assert!(read(Path::new("/dev/null")).unwrap_err().to_string().contains("got a device"));
    assert_eq!((mode(&at("victim")), text(&at("victim")).as_str()), (0o644, "untouched"));
    assert!(!at("nowhere").exists());
}

#[test]
fn a_link_is_no_folder_either() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("elsewhere")).unwrap();
    symlink(at("elsewhere"), at("link")).unwrap();
    fs::write(at("file"), "").unwrap();
    for (name, got) in [("link", "a symbolic link"), ("link/", "a symbolic link"), ("file", "a file")] {
        let error = make_folder(&at(name)).unwrap_err();
        assert_eq!(NotRegular::of(&error), Some(NotRegular { expected: "folder", got }), "{name}");
    }
    // One that exists is left as it is.
    fs::set_permissions(at("elsewhere"), Permissions::from_mode(0o755)).unwrap();
    make_folder(&at("elsewhere")).unwrap();
    assert_eq!(mode(&at("elsewhere")), 0o755);
    // Where nothing may be, a folder that somebody else has made isn't taken either.
    for there in ["elsewhere", "link", "file"] {
        assert_eq!(make_new_folder(&at(there)).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists, "{there}");
    }
    make_new_folder(&at("new/er")).unwrap();
    assert_eq!(mode(&at("new/er")), 0o700);
}

#[test]
fn a_file_is_written_at_its_end_and_read_from_its_beginning() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file");
    assert!(!check(&path).unwrap());
    assert_eq!(append(&path).unwrap_err().kind(), std::io::ErrorKind::NotFound);
    create_new(&path).unwrap().write_all(b"one").unwrap();
    assert_eq!(create_new(&path).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    append_or_create(&path).unwrap().write_all(b"two").unwrap();
    let mut bytes = [0; 6];
    read(&path).unwrap().read_exact(&mut bytes).unwrap();
    assert!(&bytes == b"onetwo" && check(&path).unwrap());
    create(&path).unwrap();
    assert_eq!(text(&path), "");
}

#[test]
fn a_file_is_replaced_whole_and_nothing_is_written_to_what_lies_in_the_way() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("other"), "other's").unwrap();
    // What another user would have written to.
    fs::hard_link(at("other"), at("file.next")).unwrap();
    for content in ["one", "two, which is longer", ""] {
        replace(&at("file"), content.as_bytes()).unwrap();
        assert_eq!((text(&at("file")).as_str(), mode(&at("file"))), (content, 0o600));
        assert!(!at("file.next").exists());
    }
    assert_eq!(text(&at("other")), "other's");
    // What was there stays where nothing can be written.
    fs::create_dir(at("file.next")).unwrap();
    replace(&at("file"), b"three").unwrap_err();
    assert_eq!(text(&at("file")), "");
}
