//! `GET /metrics`, and what is counted of requests.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use countersign_daemon::{Histogram, METRICS_TYPE, SECONDS};

use crate::caller::Viewer;
use crate::server::Api;
use countersign_serving::Problem;

/// What is counted of requests, at whichever door they come.
pub struct Requests {
    in_flight: AtomicU64,
    answered: Mutex<BTreeMap<Key, u64>>,
    took: Histogram,
}

/// A route, `other` where there is none, with the method and the status of its answers.
type Key = (String, &'static str, u16);

impl Default for Requests {
    fn default() -> Requests {
        Requests { in_flight: AtomicU64::new(0), answered: Mutex::default(), took: Histogram::new(SECONDS) }
    }
}

impl Requests {
    fn answered(&self, key: Key, took: Duration) {
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
        self.took.count(took, 1);
    }
}

/// A request in work, also where its caller goes before it is answered.
struct InFlight<'r>(&'r AtomicU64);

impl<'r> InFlight<'r> {
    fn new(count: &'r AtomicU64) -> InFlight<'r> {
        count.fetch_add(1, Ordering::Relaxed);
        InFlight(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The methods that a request is counted by: a caller may ask with any word.
fn method(request: &Request) -> &'static str {
    match request.method().as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "HEAD" => "HEAD",
        _ => "other",
    }
}

/// Counts a request by its route, never by what its caller wrote.
pub(crate) async fn count(State(api): State<Api>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let (path, method, began) = (path.unwrap_or_else(|| "other".to_owned()), method(&request), Instant::now());
    let requests = api.requests();
    let _in_flight = InFlight::new(&requests.in_flight);
    let response = next.run(request).await;
    requests.answered((path, method, response.status().as_u16()), began.elapsed());
    response
}

/// `GET /metrics`: the host's figures of itself, as Prometheus reads them.
pub(crate) async fn metrics(State(api): State<Api>, _viewer: Viewer) -> Result<Response, Problem> {
    let text = api.blocking(render).await?;
    Ok(([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response())
}

fn render(api: &Api) -> String {
    let mut metrics = api.host().metrics();
    let requests = api.requests();
    let answered = requests.answered.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let codes: BTreeMap<u16, String> = answered.keys().map(|(.., code)| (*code, code.to_string())).collect();
    let members = answered.iter().map(|((route, method, code), count)| {
        let code = codes.get(code).map_or("", |code| code.as_str());
        let count = *count as f64;
        (vec![("route", route.as_str()), ("method", *method), ("code", code)], count)
    });
    metrics.counters("http_requests_total", "Requests that were answered.", members);
    metrics.histograms("http_request_seconds", "How long they took.", [(Vec::new(), requests.took.counted())]);
    let gauges = [
        ("http_requests_in_flight", "Requests in work.", requests.in_flight.load(Ordering::Relaxed) as f64),
        ("http_connections", "Connections that are open.", countersign_serving::open() as f64),
    ];
    for (name, help, value) in gauges {
        metrics.gauge(name, help, value);
    }
    metrics.into_text()
}

#[cfg(test)]
#[path = "../tests/unit/metrics.rs"]
mod tests;
