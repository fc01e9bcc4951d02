//! Work on several threads whose results don't show how many there were.

use std::sync::Mutex;
use std::sync::PoisonError;

/// Threads for work that isn't bound to `--workers`.
fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(8)
}

/// Maps items on all processors; results are in the items' order.
pub(crate) fn map<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let mut results: Vec<Option<R>> = items.iter().map(|_| None).collect();
    let jobs = items.into_iter().zip(&mut results).collect();
    each(jobs, default_threads(), |(item, result)| *result = Some(work(item)));
    results.into_iter().flatten().collect()
}

/// Does work on each item on so many threads; an item is worked on by one.
pub(crate) fn each<T: Send>(mut items: Vec<T>, threads: usize, work: impl Fn(T) + Sync) {
    // Taken from the end: the first item first.
    items.reverse();
    let threads = threads.min(items.len());
    let items = Mutex::new(items);
    let next = || items.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let work_off = || {
        while let Some(item) = next() {
            work(item);
        }
    };
    if threads <= 1 {
        return work_off();
    }
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work_off);
        }
        work_off();
    });
}
