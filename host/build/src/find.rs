//! Finds the folders of rules.

use std::path::{Path, PathBuf};

use crate::BuildError;

/// The deepest level of folders that is searched.
const MAX_DEPTH: usize = 3;

/// The rules under some paths: a path may be a rule's folder, its `rule.toml`, or a folder of such folders. Sorted
/// within each path; each rule once.
///
/// # Errors
/// When a path has no rule, or can't be read.
pub fn find_rules(paths: &[PathBuf]) -> Result<Vec<PathBuf>, BuildError> {
    let mut rules = Vec::new();
    for path in paths {
        let before = rules.len();
        if path.file_name().is_some_and(|name| name == "rule.toml") && path.is_file() {
            rules.push(path.parent().map_or_else(PathBuf::new, Path::to_owned));
        } else {
            walk(path, MAX_DEPTH, &mut rules)?;
        }
        if rules.len() == before {
            return Err(BuildError::NoRule(path.clone()));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    rules.retain(|rule| seen.insert(rule.clone()));
    Ok(rules)
}

fn walk(path: &Path, depth: usize, rules: &mut Vec<PathBuf>) -> Result<(), BuildError> {
    if path.join("rule.toml").is_file() {
        rules.push(path.to_owned());
        return Ok(());
    }
    if depth == 0 {
        return Ok(());
    }
    let error = |source| BuildError::File { path: path.to_owned(), source };
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(path).map_err(error)? {
        let entry = entry.map_err(error)?.path();
        let hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.') || name == "target");
        if entry.is_dir() && !hidden {
            folders.push(entry);
        }
    }
    folders.sort();
    folders.iter().try_for_each(|folder| walk(folder, depth - 1, rules))
}
