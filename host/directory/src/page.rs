//! Pages of lists: in the order in which things were made, gone on with after the last one.

use serde::Serialize;

/// The most of a page, and how many there are where the request doesn't say.
pub(crate) const MAX_PAGE: u32 = 500;
pub(crate) const USUAL_PAGE: u32 = 100;

/// Where a page begins, and how many it may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) after: i64,
    pub(crate) limit: u32,
}

/// Some of a list.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// What to ask for to have those after them; none of the last page.
    pub(crate) next: Option<String>,
}

impl<T> Page<T> {
    /// A page out of rows with their numbers, of which one more than wanted was read.
    pub(crate) fn of(rows: Vec<(i64, T)>, wanted: Wanted) -> Page<T> {
        let limit = wanted.limit as usize;
        let last = rows.get(limit.saturating_sub(1)).filter(|_| rows.len() > limit);
        let next = last.map(|(n, _)| n.to_string());
        Page { items: rows.into_iter().take(limit).map(|(_, item)| item).collect(), next }
    }
}
