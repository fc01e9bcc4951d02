//! A directory that is served to a test, and a client of it. Also for tests of other crates, by `#[path]`.
#![allow(dead_code, reason = "no test uses all of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Accounts and groups of tests.
pub(crate) const SEED: &str = r#"
version = 1

[[group]]
name = "admins"
privileges = ["admin"]

[[group]]
name = "payroll"
privileges = ["payroll.write"]

[[account]]
id = "acc-00000000000000000000aa01"
username = "alice"
display-name = "Alice"
password = "correct horse"
groups = ["payroll"]

[[account]]
id = "acc-00000000000000000000aa02"
username = "bob"
password = "battery staple"
totp-secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
required-factors = ["password", "totp"]
groups = ["admins"]

[[account]]
id = "acc-00000000000000000000aa03"
username = "backup-job"
type = "service"
"#;

pub(crate) const ALICE: &str = "acc-00000000000000000000aa01";
pub(crate) const BOB: &str = "acc-00000000000000000000aa02";
pub(crate) const BACKUP: &str = "acc-00000000000000000000aa03";

/// The bytes of Bob's device.
pub(crate) const BOBS_DEVICE: &[u8] = b"12345678901234567890";

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Reply {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The code of its problem.
    pub(crate) fn code(&self) -> String {
        let kind = self.json()["type"].as_str().unwrap_or_default().to_owned();
        kind.rsplit(':').next().unwrap_or_default().to_owned()
    }

    pub(crate) fn tag(&self) -> String {
        self.headers["etag"].clone()
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) token: Option<String>,
}

impl Client {
    pub(crate) fn with(&self, token: &str) -> Client {
        Client { token: Some(token.to_owned()), ..self.clone() }
    }

    pub(crate) fn send(
        &self,
        (method, path): (&str, &str),
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> io::Result<Reply> {
        let mut stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: directory\r\nconnection: close\r\n");
        if let Some(token) = &self.token {
            text.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(text.as_bytes())?;
        let mut bytes = Vec::new();
        #[expect(clippy::disallowed_methods, reason = "limited by `take`")]
        stream.take(16 << 20).read_to_end(&mut bytes)?;
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| io::Error::other("no answer"))?;
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Ok(Reply { status, headers, text: body.to_owned() })
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send(("GET", path), None, &[]).unwrap()
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: Value) -> Reply {
        self.send(("POST", path), Some(&body), &[]).unwrap()
    }

    #[track_caller]
    pub(crate) fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(("PATCH", path), Some(&body), &[]).unwrap()
    }

    /// All events of the log.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        let (mut all, mut path) = (Vec::new(), "/v1/events?limit=1000".to_owned());
        loop {
            let page = self.get(&path).is(200).json();
            all.extend(page["events"].as_array().unwrap().clone());
            if page["more"] == false {
                return all;
            }
            path = format!("/v1/events?limit=1000&after={}", page["next"].as_str().unwrap());
        }
    }

    /// Signs somebody in from an address.
    pub(crate) fn sign_in(&self, username: &str, password: &str, address: &str) -> Reply {
        let body = serde_json::json!({ "username": username, "password": password });
        self.send(("POST", "/v1/sign-in"), Some(&body), &[("x-forwarded-for", address)]).unwrap()
    }

    pub(crate) fn refresh(&self, granted: &Value) -> Reply {
        self.post("/v1/tokens/refresh", serde_json::json!({ "refresh_token": granted["refresh_token"] }))
    }
}
