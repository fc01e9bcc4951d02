//! Finds the files that patterns of paths name.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};

use super::file::{FileId, Found};
use super::problem::Problem;

/// The most files that are followed, and listed.
pub(super) const MAX_FILES: usize = 16_384;

/// The most entries of folders that are looked at to find them.
const MAX_ENTRIES: usize = 65_536;

/// The deepest folder in others that is looked into.
const MAX_DEPTH: usize = 64;

/// `**` crosses folders, `*` doesn't, and neither stands for a leading dot.
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// What names the files: each a file, a folder with all in it and below, or a pattern.
pub(super) struct Patterns {
    folder: PathBuf,
    roots: Vec<Root>,
}

struct Root {
    /// What is looked at: the file, or the folder.
    path: PathBuf,
    /// What the paths must match; all of them if none.
    pattern: Option<Pattern>,
    /// How many folders deep is looked.
    depth: usize,
    /// Whether it names files or folders whose names begin with a dot.
    is_hidden: bool,
}

/// What was found.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) files: Vec<Found>,
    pub(super) problems: Vec<Problem>,
    entries: usize,
}

impl Patterns {
    /// Patterns that are relative to a folder.
    pub(super) fn new(folder: &Path, patterns: &[Pattern]) -> Patterns {
        let roots = patterns.iter().map(|pattern| Root::new(folder, pattern)).collect();
        Patterns { folder: folder.to_owned(), roots }
    }

    /// Looks for the files. Each is listed once, by the first path where it is found; what is hidden is left out unless a
    /// pattern names it.
    pub(super) fn list(&self) -> Listing {
        let mut listing = Listing::default();
        for root in &self.roots {
            let metadata = match fs::metadata(&root.path) {
                Ok(metadata) => metadata,
                // It may come later.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    listing.unreadable(&root.path, &error);
                    continue;
                }
            };
            if metadata.is_dir() {
                self.folder(root, &root.path, 1, &mut Vec::new(), &mut listing);
            } else if root.pattern.is_none() {
                match Found::of(root.path.clone(), &metadata) {
                    Some(found) => listing.files.push(found),
                    None => listing.problems.push(Problem::NotAFile { path: root.path.clone() }),
                }
            }
        }
        if listing.files.len() > MAX_FILES || listing.entries > MAX_ENTRIES {
            listing.problems.push(Problem::TooMany { most: MAX_FILES });
            listing.files.truncate(MAX_FILES);
        }
        listing.files.sort_by(|a, b| a.path.cmp(&b.path));
        listing
    }

    /// Looks into a folder; `above` are those that contain it.
    fn folder(&self, root: &Root, folder: &Path, depth: usize, above: &mut Vec<FileId>, listing: &mut Listing) {
        let entered = fs::metadata(folder).and_then(|metadata| Ok((metadata, fs::read_dir(folder)?)));
        let (metadata, entries) = match entered {
            Ok(entered) => entered,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return listing.unreadable(folder, &error),
        };
        let id = {
            use std::os::unix::fs::MetadataExt;
            FileId { device: metadata.dev(), inode: metadata.ino() }
        };
        if above.contains(&id) {
            listing.problems.push(Problem::Loop { path: folder.to_owned() });
            return;
        }
        above.push(id);
        for entry in entries {
            listing.entries += 1;
            if listing.entries > MAX_ENTRIES {
                break;
            }
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    listing.unreadable(folder, &error);
                    break;
                }
            };
            if !root.is_hidden && entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            let metadata = match fs::metadata(&path) {
                Ok(metadata) => metadata,
                // It vanished meanwhile, or is a link to nothing.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    if root.matches(&self.folder, &path) {
                        listing.unreadable(&path, &error);
                    }
                    continue;
                }
            };
            if metadata.is_dir() {
                if depth < root.depth {
                    self.folder(root, &path, depth + 1, above, listing);
                }
            } else if root.matches(&self.folder, &path) {
                listing.files.extend(Found::of(path, &metadata));
            }
        }
        above.pop();
    }
}

impl Root {
    fn new(folder: &Path, pattern: &Pattern) -> Root {
        let text = pattern.as_str();
        let text = text.strip_prefix("./").unwrap_or(text);
        let is_literal = |component: &Component<'_>| {
            !component.as_os_str().as_encoded_bytes().iter().any(|byte| b"*?[".contains(byte))
        };
        let components: Vec<Component<'_>> = Path::new(text).components().collect();
        let literal: PathBuf = components.iter().take_while(|component| is_literal(component)).collect();
        let rest = components.len() - literal.components().count();
        let is_hidden = components.iter().any(|component| match component {
            Component::Normal(name) => name.as_encoded_bytes().starts_with(b"."),
            _ => false,
        });
        let pattern = if rest == 0 { None } else { Pattern::new(text).ok() };
        let depth = if rest == 0 || text.contains("**") { MAX_DEPTH } else { rest };
        Root { path: folder.join(literal), pattern, depth, is_hidden }
    }

    fn matches(&self, folder: &Path, path: &Path) -> bool {
        let Some(pattern) = &self.pattern else { return true };
        let relative = path.strip_prefix(folder).unwrap_or(path);
        pattern.matches_path_with(relative, OPTIONS) || pattern.matches_path_with(path, OPTIONS)
    }
}

impl Listing {
    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        self.problems.push(Problem::Unreadable { path: path.to_owned(), error: error.to_string() });
    }
}
