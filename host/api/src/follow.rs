//! Requests that wait for more: until something is committed that they haven't seen, for as long as they say at most. They
//! take no thread, and end when the server does.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use countersign_daemon::Host;
use countersign_document::Table;
use countersign_model::Place;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use countersign_serving::Problem;

/// Requests that wait at once: half of the connections, so that others find one.
const MAX_WAITING: usize = 64;

/// How long one may wait, microseconds: less than a request may take.
pub(crate) const LONGEST_WAIT: i64 = 30_000_000;

/// How far the host is.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    /// Records of the audit log.
    records: u64,
    /// How far inputs are judged and committed.
    place: Place,
    /// Whether the server ends.
    ended: bool,
}

/// Those who wait. A clone is the same.
#[derive(Clone)]
pub(crate) struct Followers {
    reached: watch::Sender<Reached>,
    free: Arc<Semaphore>,
}

impl Followers {
    /// Those who wait for what this host commits.
    pub(crate) fn of(host: &Host) -> Followers {
        let (reached, _) = watch::channel(Reached::default());
        let told = reached.clone();
        host.listen(Box::new(move |place, records| {
            told.send_modify(|reached| (reached.place, reached.records) = (place, records));
        }));
        Followers { reached, free: Arc::new(Semaphore::new(MAX_WAITING)) }
    }

    /// Has all who wait go.
    pub(crate) fn end(&self) {
        self.reached.send_modify(|reached| reached.ended = true);
    }

    /// Begins to wait for so long, unless too many do.
    pub(crate) fn wait(&self, longest: Duration) -> Result<Waiting, Problem> {
        let place = Arc::clone(&self.free).try_acquire_owned().map_err(|_| {
            let detail = format!("expected at most {MAX_WAITING} requests that wait at once, got more: try again");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(1)
        })?;
        Ok(Waiting { reached: self.reached.subscribe(), until: Instant::now() + longest, _place: place })
    }
}

/// A request that waits.
pub(crate) struct Waiting {
    reached: watch::Receiver<Reached>,
    until: Instant,
    _place: OwnedSemaphorePermit,
}

impl Waiting {
    /// Waits until the audit log has more than so many records. False once it has waited long enough, or the server ends.
    pub(crate) async fn records(&mut self, more_than: u64) -> bool {
        self.so_that(|reached| reached.records > more_than).await
    }

    /// Waits until inputs are judged from this batch on, or beyond this input of the host's own.
    pub(crate) async fn judged(&mut self, batch: u64, host: u64) -> bool {
        self.so_that(|reached| reached.place.batch > batch || reached.place.host > host).await
    }

    async fn so_that(&mut self, is_so: impl Fn(&Reached) -> bool) -> bool {
        let waited = self.reached.wait_for(|reached| reached.ended || is_so(reached));
        match tokio::time::timeout_at(self.until, waited).await {
            Ok(Ok(reached)) => !reached.ended,
            // Nobody tells any more.
            Ok(Err(_)) | Err(_) => false,
        }
    }
}

/// How long a request waits: its member `wait`.
pub(crate) fn longest(table: &Table<'_>) -> Option<Duration> {
    let micros = table.get("wait").and_then(|item| item.duration(0, LONGEST_WAIT))?;
    Some(Duration::from_micros(micros.unsigned_abs())).filter(|longest| !longest.is_zero())
}

#[cfg(test)]
#[path = "../tests/unit/follow.rs"]
mod tests;
