//! An organisation whose System Log behaves as Okta documents it for polling: `since`, `limit` and `sortOrder`, then the link
//! to what follows, which every answer has and which stays the same as long as nothing follows.

#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a helper of tests")]

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The token that it takes.
pub(crate) const TOKEN: &str = "00secret-Token_of.Okta";

/// What goes wrong with a request, once.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// This status with a body, and no more.
    Status(u16, &'static str),
    /// The limit of requests is reached: by its clock, `now` and when the limit ends.
    Limited { now: &'static str, reset: u64 },
    /// The answer is cut after so many bytes of its body.
    Cut(usize),
    /// The body isn't a list.
    Body(&'static str),
    /// The body has so many bytes.
    Huge(usize),
    /// Nothing comes for a while.
    Slow(Duration),
    /// The answer leads elsewhere.
    Next(&'static str),
    /// There is no link.
    NoLink,
    /// A redirect to another address.
    Redirect(&'static str),
    /// Links that were given out don't hold any more, until it is read from a time on.
    Expired,
}

#[derive(Default)]
struct State {
    /// Records, each with when it was published.
    records: Vec<(String, String)>,
    faults: VecDeque<Fault>,
    /// What was asked for, without the token.
    asked: Vec<String>,
    /// Whether a request had another token.
    other_token: bool,
    expired: bool,
}

/// The organisation.
#[derive(Clone)]
pub(crate) struct Okta {
    state: Arc<Mutex<State>>,
    address: String,
}

impl Okta {
    pub(crate) fn start() -> Okta {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let okta = Okta { state: Arc::default(), address };
        let serving = okta.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(stream));
            }
        });
        okta
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a record, whose time counts up with its number.
    pub(crate) fn publish(&self, record: impl Fn(&str, usize) -> String) {
        let mut state = self.state.lock().unwrap();
        let number = state.records.len();
        let time = format!("2026-03-02T{:02}:{:02}:{:02}.000Z", number / 3600, number / 60 % 60, number % 60);
        state.records.push((time.clone(), record(&time, number)));
    }

    pub(crate) fn fails(&self, fault: Fault) {
        self.state.lock().unwrap().faults.push_back(fault);
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }

    pub(crate) fn had_another_token(&self) -> bool {
        self.state.lock().unwrap().other_token
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return,
            }
        }
        let head = String::from_utf8(head).unwrap();
        let target = head.split(' ').nth(1).unwrap().to_owned();
        let answer = {
            let mut state = self.state.lock().unwrap();
            state.asked.push(target.clone());
            let authorization = format!("authorization: SSWS {TOKEN}");
            let has_token = head.lines().any(|line| line.eq_ignore_ascii_case(&authorization));
            state.other_token |= !has_token;
            if has_token {
                self.answer(&mut state, &target)
            } else {
                status(401, r#"{"errorCode":"E0000011","errorSummary":"Invalid token provided"}"#)
            }
        };
        match answer {
            Answer::Bytes(bytes) => drop(stream.write_all(&bytes)),
            Answer::Late(bytes, late) => {
                std::thread::sleep(late);
                drop(stream.write_all(&bytes));
            }
        }
    }

    fn answer(&self, state: &mut State, target: &str) -> Answer {
        let fault = state.faults.pop_front();
        match &fault {
            Some(Fault::Status(code, body)) => return status(*code, body),
            Some(Fault::Limited { now, reset }) => {
                let head = format!("HTTP/1.1 429 Too Many Requests\r\nDate: {now}\r\nX-Rate-Limit-Reset: {reset}\r\n");
                return Answer::Bytes(format!("{head}Content-Length: 0\r\nConnection: close\r\n\r\n").into());
            }
            Some(Fault::Redirect(to)) => {
                let head = format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\n");
                return Answer::Bytes(format!("{head}Content-Length: 0\r\nConnection: close\r\n\r\n").into());
            }
            Some(Fault::Expired) => state.expired = true,
            _ => {}
        }
        let (path, query) = target.split_once('?').unwrap();
        assert_eq!(path, "/api/v1/logs");
        let member = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let limit: usize = member("limit").unwrap().parse().unwrap();
        assert!(limit <= 1_000 && member("sortOrder") == Some("ASCENDING"), "{query}");
        let from = match member("after") {
            Some(_) if state.expired => {
                return status(400, r#"{"errorCode":"E0000031","errorSummary":"Invalid search criteria."}"#);
            }
            Some(after) => after.parse().unwrap(),
            None => {
                state.expired = false;
                let since = member("since").unwrap_or_default();
                // Times of one form are in the order of their texts but for their fractions.
                state
                    .records
                    .iter()
                    .take_while(|(time, _)| time.trim_end_matches(".000Z") < since.trim_end_matches('Z'))
                    .count()
            }
        };
        let page: Vec<&str> = state.records.iter().skip(from).take(limit).map(|(_, record)| &**record).collect();
        let next = from + page.len();
        let origin = self.origin();
        let link = |rel: &str, after: usize| {
            format!("Link: <{origin}/api/v1/logs?after={after}&limit={limit}&sortOrder=ASCENDING>; rel=\"{rel}\"\r\n")
        };
        let mut links = link("self", from) + &link("next", next);
        let mut body = format!("[{}]", page.join(",")).into_bytes();
        match &fault {
            Some(Fault::Next(to)) => links = format!("Link: <{to}>; rel=\"next\"\r\n"),
            Some(Fault::NoLink) => links = String::new(),
            Some(Fault::Body(text)) => body = text.as_bytes().to_vec(),
            Some(Fault::Huge(length)) => body = vec![b' '; *length],
            _ => {}
        }
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n{links}");
        let mut bytes = format!("{head}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
        if let Some(Fault::Cut(at)) = &fault {
            body.truncate(*at);
        }
        bytes.extend(body);
        match fault {
            Some(Fault::Slow(late)) => Answer::Late(bytes, late),
            _ => Answer::Bytes(bytes),
        }
    }
}

enum Answer {
    Bytes(Vec<u8>),
    Late(Vec<u8>, Duration),
}

fn status(code: u16, body: &str) -> Answer {
    let head = format!("HTTP/1.1 {code} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    Answer::Bytes(format!("{head}{body}").into())
}
