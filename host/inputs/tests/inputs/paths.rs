//! Directories, links and standard input.

use std::fs;
use std::path::{Path, PathBuf};

use countersign_formats::CloudTrail;
use countersign_inputs::{InputError, Inputs, Reading};

use crate::record;

const READING: Reading<'static> = Reading::Format(&CloudTrail);

fn write(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, record(&path.file_name().unwrap().to_string_lossy())).unwrap();
}

fn names(folder: &Path, paths: &[&str]) -> Vec<String> {
    let paths: Vec<PathBuf> = paths.iter().map(|path| folder.join(path)).collect();
    let names = Inputs::open(&paths, READING).unwrap().names();
    names.iter().map(|name| Path::new(name).strip_prefix(folder).unwrap().display().to_string()).collect()
}

fn errors(paths: &[PathBuf]) -> Vec<InputError> {
    Inputs::open(paths, READING).err().unwrap()
}

#[test]
fn a_directory_is_the_files_in_it_and_below_by_path_without_hidden_ones() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["d/b/2", "d/b/1", "d/a", "d/c", "d/.hidden", "d/.git/config", "d/b-1", "e"] {
        write(&folder.path().join(path));
    }
    assert_eq!(
        names(folder.path(), &["e", "d", "d/.hidden"]),
        ["e", "d/a", "d/b/1", "d/b/2", "d/b-1", "d/c", "d/.hidden"]
    );
    let inputs = Inputs::open(&[folder.path().join("d")], READING).unwrap();
    assert_eq!((inputs.len(), inputs.bytes()), (5, Some(5 * 66 + 2)));
    assert_eq!(inputs.records().unwrap().records().count(), 5);
}

#[test]
fn what_cannot_be_read_is_reported_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("empty/.git")).unwrap();
    let (empty, missing) = (folder.path().join("empty"), folder.path().join("missing"));
    let errors = errors(&[empty, "-".into(), missing.clone(), "-".into()]);
    assert!(
        matches!(&errors[..], [
            InputError::EmptyDirectory { .. },
            InputError::Unreadable { path, .. },
            InputError::StdinTwice,
        ] if *path == missing),
        "{errors:?}"
    );
    assert!(errors[1].to_string().contains(&*missing.display().to_string()), "{}", errors[1]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    write(&at("d/a"));
    write(&at("elsewhere/b"));
    symlink(at("elsewhere"), at("d/linked")).unwrap();
    symlink(at("elsewhere/b"), at("d/b")).unwrap();
    assert_eq!(names(folder.path(), &["d"]), ["d/a", "d/b", "d/linked/b"]);
    // What lies beside it twice is no circle.
    symlink(at("elsewhere"), at("d/again")).unwrap();
    assert_eq!(names(folder.path(), &["d"]), ["d/a", "d/again/b", "d/b", "d/linked/b"]);
    symlink(at("d"), at("elsewhere/back")).unwrap();
    let found = errors(&[at("d")]);
    assert!(matches!(&found[..], [InputError::Loop { .. }]), "{found:?}");
    fs::remove_file(at("elsewhere/back")).unwrap();
    symlink(at("nowhere"), at("d/dangling")).unwrap();
    let found = errors(&[at("d")]);
    assert!(matches!(&found[..], [InputError::Unreadable { path, .. }] if path.ends_with("dangling")), "{found:?}");
}
