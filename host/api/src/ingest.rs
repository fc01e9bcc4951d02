//! Records that senders push.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use countersign_daemon::{IngestError, Ingested};
use countersign_logging::LogRate;
use countersign_recorder::AppendError;
use tokio::sync::oneshot;

use crate::caller::Sender;
use crate::server::{Api, MAX_BODY};
use countersign_serving::Problem;
use countersign_serving::given::{Named, bounded};

/// Lines of the log about what couldn't be recorded.
static FAILED: LogRate = LogRate::new();

/// The longest key of a sender's, bytes.
const MAX_KEY: usize = 255;

/// `POST /v1/sources/{name}/events`: records of a source, as lines, lists or envelopes, plain or packed (gzip, zstd). The
/// answer comes once they are durable.
pub(crate) async fn events(
    State(api): State<Api>,
    sender: Sender,
    Named(name): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Ingested>), Problem> {
    sender.may_send(&name)?;
    if let Some(encoding) = headers.get(header::CONTENT_ENCODING)
        && !["identity", "gzip", "zstd"].iter().any(|known| encoding == known)
    {
        let detail = "expected the encoding `gzip`, `zstd` or none, got another";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoding", detail));
    }
    let key = headers
        .get("idempotency-key")
        .map(|key| key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= MAX_KEY));
    let key = match key {
        Some(None) => {
            let detail = format!("expected an `Idempotency-Key` of 1 to {MAX_KEY} visible characters, got another");
            return Err(Problem::new(StatusCode::BAD_REQUEST, "key", detail));
        }
        Some(Some(key)) => Some(key.to_owned()),
        None => None,
    };
    let mut body = bounded(&api, body, MAX_BODY).await?;
    let bytes = std::mem::take(&mut body.bytes);
    let (answer, answered) = oneshot::channel();
    let reply = Box::new(move |result| {
        // A failed send means that the sender has gone.
        let _ = answer.send(result);
    });
    api.blocking(move |api| api.host().ingest(&name, key, bytes, reply)).await?.map_err(refused)?;
    match answered.await {
        Ok(Ok(ingested)) => Ok((StatusCode::ACCEPTED, Json(ingested))),
        Ok(Err(error)) => Err(refused(error.into())),
        Err(_) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "closed", "the host is stopping")),
    }
}

fn refused(error: IngestError) -> Problem {
    let detail = error.to_string();
    match error {
        IngestError::NoSource(_) | IngestError::NotSent(_) => Problem::new(StatusCode::NOT_FOUND, "no-source", detail),
        IngestError::TooMuch => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "unpacked", detail),
        IngestError::Append(AppendError::Full { retry_after, .. }) => {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "full", detail).retry_after(retry_after.as_secs())
        }
        IngestError::Append(AppendError::KeyReused(_)) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "key-reused", detail)
        }
        IngestError::Append(_) => {
            if FAILED.allows() {
                tracing::error!("records aren't on record: {detail}");
            }
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-recorded", detail).retry_after(5)
        }
    }
}
