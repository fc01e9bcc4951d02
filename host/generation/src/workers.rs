//! Work on several threads, with results that don't depend on how many there are.

use std::sync::Mutex;
use std::sync::PoisonError;

/// Threads for work that `--workers` doesn't limit: at least two, so that an item that waits doesn't block the others.
fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8)
}

/// Maps items on all processors; results are in the items' order.
pub fn map<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let mut results: Vec<Option<R>> = items.iter().map(|_| None).collect();
    let jobs = items.into_iter().zip(&mut results).collect();
    each(jobs, default_threads(), |(item, result)| *result = Some(work(item)));
    results.into_iter().flatten().collect()
}

/// Does work on each item on so many threads, each item on one thread.
pub fn each<T: Send>(mut items: Vec<T>, threads: usize, work: impl Fn(T) + Sync) {
    // Taken from the end: the first item first.
    items.reverse();
    let threads = threads.min(items.len());
    let items = Mutex::new(items);
    let next = || items.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let process = || {
        while let Some(item) = next() {
            work(item);
        }
    };
    if threads <= 1 {
        return process();
    }
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(process);
        }
        process();
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        // The first items take longest, so that later ones are done before them.
        let work = |item: usize| {
            std::thread::sleep(std::time::Duration::from_millis(20_u64.saturating_sub(item as u64)));
            item * 2
        };
        assert_eq!(map((0..40).collect(), work), (0..40).map(|item| item * 2).collect::<Vec<_>>());
        assert_eq!(map(Vec::<usize>::new(), work), Vec::<usize>::new());
    }

    #[test]
    fn every_item_is_processed_once_on_any_number_of_threads() {
        for threads in [0, 1, 2, 7, 100] {
            let mut done: Vec<usize> = vec![0; 50];
            each(done.iter_mut().collect(), threads, |item: &mut usize| *item += 1);
            assert_eq!(done, vec![1; 50], "{threads} threads");
        }
    }

    #[test]
    fn one_thread_takes_items_in_their_order() {
        let order = Mutex::new(Vec::new());
        each((0..10).collect(), 1, |item: usize| order.lock().unwrap_or_else(PoisonError::into_inner).push(item));
        assert_eq!(order.into_inner().unwrap_or_default(), (0..10).collect::<Vec<_>>());
    }

    /// With one thread fewer, this would wait forever.
    #[test]
    fn as_many_threads_work_as_were_asked_for() {
        let (barrier, met) = (Barrier::new(3), AtomicUsize::new(0));
        each(vec![(); 3], 3, |()| {
            barrier.wait();
            met.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(met.into_inner(), 3);
    }
}
