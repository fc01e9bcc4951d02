//! Context tables, by their files' digests.

use countersign_generation::FILE_TABLES;
use countersign_model::Digest;

use super::item::{Aspect, ChangeKind, Items};
use crate::material::Manifest;

const LOOKUP: (ChangeKind, Aspect) = (ChangeKind::Lookups, Aspect::Lookup);

/// Tables of what the world is like, which others publish. The rest say what the operator's own is, which lets rules keep
/// silent.
const REFERENCE: &[&str] = &["geo"];

pub(super) fn compare(before: &Manifest, after: &Manifest, items: &mut Items) {
    for table in FILE_TABLES {
        let digests = |manifest: &Manifest| -> Vec<Digest> {
            manifest.files.iter().filter(|file| file.role == table.name).map(|file| file.digest).collect()
        };
        let (was, is) = (digests(before), digests(after));
        if was == is {
            continue;
        }
        let change = match (was.is_empty(), is.is_empty()) {
            (true, _) => "added".to_owned(),
            (_, true) => "removed".to_owned(),
            _ => format!("{} of {} files are others", is.iter().filter(|one| !was.contains(one)).count(), is.len()),
        };
        items.add(LOOKUP, table.name, change, is.is_empty() || !REFERENCE.contains(&table.name));
    }
}
