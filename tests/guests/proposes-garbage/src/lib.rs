//! Makes invalid proposals, in the way that the message of the incident's first finding names, over the generated types:
//! the SDK would prevent it. It always proposes `revoke-sessions` on the first subject too.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "exported by the component only"))]

use countersign_sdk::bindings::respond::{
    ActionParameter, ActionValue, Answer, Diagnostic, Guest, Incident, Level, Parameter, Proposal,
};

struct Component;

impl Guest for Component {
    #[expect(clippy::panic, clippy::infinite_loop, reason = "the purpose of this guest")]
    fn propose(incident: Incident, _: Vec<Parameter>, _: Vec<u8>) -> Answer {
        let way = incident.findings.first().map(|finding| finding.message.as_str()).unwrap_or_default();
        let mut proposals = vec![honest("revoke-sessions")];
        let mut diagnostics = Vec::new();
        let with = |action: &str, parameters: &[(&str, ActionValue)]| Proposal {
            parameters: parameters
                .iter()
                .map(|(name, value)| ActionParameter { name: (*name).to_owned(), value: value.clone() })
                .collect(),
            lease: None,
            ..honest(action)
        };
        let (points, text) = (ActionValue::Integer, |text: &str| ActionValue::Text(text.to_owned()));
        match way {
            "UndeclaredAction" => proposals.push(honest("suspend-account")),
            "UnknownAction" => proposals.push(honest("delete-everything")),
            "RemediateAction" => proposals.push(honest("disable-account")),
            "SubjectBeyond" => proposals.push(Proposal { subject: 7, ..honest("restrict-access") }),
            "ObserveWithLease" => proposals.push(honest("notify")),
            "UnknownParameter" => proposals.push(with("notify", &[("to", text("everybody"))])),
            "ParameterOutOfRange" => proposals.push(with("raise-risk-score", &[("points", points(101))])),
            "ParameterOfOtherType" => proposals.push(with("raise-risk-score", &[("points", text("many"))])),
            "ParameterTooLong" => proposals.push(with("notify", &[("audience", text(&"a".repeat(65)))])),
            "ParameterTwice" => {
                proposals.push(with("notify", &[("audience", text("a")), ("audience", text("b"))]));
            }
            "ProposedTwice" => proposals.push(honest("revoke-sessions")),
            "ManyProposals" => proposals.extend((0..16).map(|_| honest("restrict-access"))),
            "LongReason" => proposals.push(Proposal { reason: "r".repeat(1_025), ..honest("restrict-access") }),
            "LongDiagnostic" => diagnostics.push("d".repeat(1_025)),
            "ManyDiagnostics" => diagnostics.extend((0..17).map(|index| format!("diagnostic {index}"))),
            "Flood" => diagnostics.extend((0..16).map(|_| "f".repeat(1_024))),
            "Panic" => panic!("no answer to {} findings", incident.findings.len()),
            "Loop" => loop {
                core::hint::spin_loop();
            },
            _ => {}
        }
        let diagnostics = diagnostics.into_iter().map(|message| Diagnostic { level: Level::Warning, message });
        Answer { proposals, diagnostics: diagnostics.collect() }
    }
}

#[cfg(target_arch = "wasm32")]
countersign_sdk::bindings::response::export_response_world!(Component with_types_in countersign_sdk::bindings::response);

fn honest(action: &str) -> Proposal {
    Proposal {
        action: action.to_owned(),
        parameters: Vec::new(),
        subject: 0,
        lease: Some(3_600),
        reason: "as it says".to_owned(),
    }
}
