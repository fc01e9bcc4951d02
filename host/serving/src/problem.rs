//! Errors as problem details (RFC 9457): what was expected, what came, and what to do.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A problem.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    details: Vec<String>,
    retry_after: Option<u64>,
    challenge: Option<&'static str>,
}

#[derive(Serialize)]
struct Body<'p> {
    /// A stable code of the problem.
    r#type: String,
    title: &'p str,
    status: u16,
    detail: String,
    /// All reasons, where there is more than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<&'p [String]>,
}

impl Problem {
    /// A problem with a stable code, such as `no-source`.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl ToString) -> Problem {
        Problem { status, code, details: vec![detail.to_string()], retry_after: None, challenge: None }
    }

    /// A problem with several reasons.
    #[must_use]
    pub fn all(status: StatusCode, code: &'static str, details: Vec<String>) -> Problem {
        Problem { status, code, details, retry_after: None, challenge: None }
    }

    /// With the seconds after which it is worth trying again.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Problem {
        Problem { retry_after: Some(seconds.max(1)), ..self }
    }

    /// With how to authenticate (RFC 9110, 11.6.1).
    #[must_use]
    pub fn challenge(self, challenge: &'static str) -> Problem {
        Problem { challenge: Some(challenge), ..self }
    }

    /// What was expected and what came.
    #[must_use]
    pub fn detail(&self) -> String {
        self.details.join("\n")
    }

    /// Something of the host's own went wrong. What exactly stands in its log.
    #[must_use]
    pub fn internal(error: impl std::fmt::Display) -> Problem {
        static FAILED: countersign_logging::LogRate = countersign_logging::LogRate::new();
        if FAILED.allows() {
            tracing::error!("a request failed: {error}");
        }
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let errors = (self.details.len() > 1).then_some(&*self.details);
        let body = Body {
            r#type: format!("urn:countersign:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Problem"),
            status: self.status.as_u16(),
            detail: self.details.join("\n"),
            errors,
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}
