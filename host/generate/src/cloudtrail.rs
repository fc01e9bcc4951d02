//! CloudTrail: how a call by a caller of the estate is written down as a record.

pub(crate) mod caller;
pub(crate) mod iam;
pub(crate) mod reads;
pub(crate) mod session;
pub(crate) mod signin;

use countersign_model::Timestamp;
use serde::Serialize;

use crate::estate::CloudAccount;
use crate::json::{Json, list, object};
use crate::random::Random;
use crate::time::format_seconds;
use caller::Caller;

/// One call of an API, before anyone makes it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Such as `iam`.
    pub(crate) service: &'static str,
    /// Such as `CreateUser`.
    pub(crate) operation: &'static str,
    pub(crate) read_only: bool,
    pub(crate) request: Json,
    pub(crate) response: Json,
    pub(crate) additional: Json,
    pub(crate) resources: Json,
    pub(crate) failure: Option<Failure>,
    /// `AwsApiCall`, `AwsConsoleSignIn`, `AwsServiceEvent`.
    pub(crate) event_type: &'static str,
    /// The same in the records of both accounts where a call crosses from one to another.
    pub(crate) shared_id: Option<String>,
}

/// Why a call failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// None where the service gives only a message.
    code: Option<String>,
    message: String,
}

impl Call {
    pub(crate) fn read(service: &'static str, operation: &'static str) -> Call {
        Call {
            service,
            operation,
            read_only: true,
            request: Json::Null,
            response: Json::Null,
            additional: Json::Null,
            resources: Json::Null,
            failure: None,
            event_type: "AwsApiCall",
            shared_id: None,
        }
    }

    pub(crate) fn write(service: &'static str, operation: &'static str) -> Call {
        Call { read_only: false, ..Call::read(service, operation) }
    }

    pub(crate) fn request(mut self, request: Json) -> Call {
        self.request = request;
        self
    }

    pub(crate) fn response(mut self, response: Json) -> Call {
        self.response = response;
        self
    }

    pub(crate) fn additional(mut self, additional: Json) -> Call {
        self.additional = additional;
        self
    }

    /// Names one resource that the call touches.
    pub(crate) fn resource(mut self, arn: String, account: &str, ty: &'static str) -> Call {
        self.resources = list![object! { "accountId" => account.to_owned(), "type" => ty, "ARN" => arn }];
        self
    }

    /// The same call refused for want of rights, in the words of its service.
    pub(crate) fn denied(mut self, random: &mut Random, caller: &Caller) -> Call {
        let (service, operation) = (self.service, self.operation);
        if service == "ec2" {
            let secret = random.letters(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 240);
            self.failure = Some(Failure {
                code: Some("Client.UnauthorizedOperation".to_owned()),
                message: format!(
                    "You are not authorized to perform this operation. Encoded authorization failure message: {secret}"
                ),
            });
        } else {
            // Services with JSON protocols add the suffix.
            let suffixed = matches!(
                service,
                "ssm"
                    | "secretsmanager"
                    | "kms"
                    | "lambda"
                    | "dynamodb"
                    | "cloudtrail"
                    | "guardduty"
                    | "config"
                    | "organizations"
            );
            let action = operation.trim_end_matches(|last: char| last.is_ascii_digit() || last == 'v');
            let action = action.strip_suffix("2015033").unwrap_or(action);
            self.failure = Some(Failure {
                code: Some(if suffixed { "AccessDeniedException" } else { "AccessDenied" }.to_owned()),
                message: format!(
                    "User: {} is not authorized to perform: {service}:{action} on resource: * because no identity-based policy allows the {service}:{action} action",
                    caller.arn
                ),
            });
            self.request = Json::Null;
        }
        self.response = Json::Null;
        self
    }

    /// The same call turned away for coming too fast: not a denial.
    pub(crate) fn throttled(mut self) -> Call {
        let (code, message) = match self.service {
            "ec2" => ("Client.RequestLimitExceeded", "Request limit exceeded."),
            "iam" | "sts" => ("Throttling", "Rate exceeded"),
            _ => ("ThrottlingException", "Rate exceeded"),
        };
        self.failure = Some(Failure { code: Some(code.to_owned()), message: message.to_owned() });
        self.response = Json::Null;
        self
    }

    /// The same call failed with a code of its own.
    pub(crate) fn failed(mut self, code: &str, message: String) -> Call {
        self.failure = Some(Failure { code: Some(code.to_owned()), message });
        self.response = Json::Null;
        self
    }
}

/// A record in the key order in which the provider writes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    event_version: &'static str,
    user_identity: &'a Json,
    event_time: String,
    event_source: String,
    event_name: &'a str,
    aws_region: &'a str,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: &'a str,
    user_agent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    request_parameters: &'a Json,
    response_elements: &'a Json,
    #[serde(skip_serializing_if = "Json::is_null")]
    additional_event_data: &'a Json,
    #[serde(rename = "requestID", skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(rename = "eventID")]
    event_id: &'a str,
    read_only: bool,
    #[serde(skip_serializing_if = "Json::is_null")]
    resources: &'a Json,
    event_type: &'a str,
    management_event: bool,
    recipient_account_id: &'a str,
    #[serde(rename = "sharedEventID", skip_serializing_if = "Option::is_none")]
    shared_event_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_endpoint_id: Option<&'a str>,
    event_category: &'static str,
    #[serde(skip_serializing_if = "Json::is_null")]
    tls_details: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_credential_from_console: Option<&'static str>,
}

/// Writes the record of a call; its id and its JSON.
pub(crate) fn record(
    random: &mut Random,
    time: Timestamp,
    account: &CloudAccount,
    caller: &Caller,
    call: &Call,
) -> (String, String) {
    let event_id = random.uuid();
    let global = matches!(call.service, "iam" | "organizations" | "signin" | "route53" | "ce");
    let sign_in = call.event_type == "AwsConsoleSignIn";
    let region = if global { "us-east-1" } else { account.region };
    let tls_details = match (&caller.vpc_endpoint, caller.by_service || caller.from_console) {
        (_, true) if !sign_in => Json::Null,
        _ => object! {
            "tlsVersion" => "TLSv1.3",
            "cipherSuite" => "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader" => match (sign_in, global) {
                (true, _) => "signin.aws.amazon.com".to_owned(),
                (false, true) => format!("{}.amazonaws.com", call.service),
                (false, false) => format!("{}.{region}.amazonaws.com", call.service),
            },
        },
    };
    let record = Record {
        event_version: "1.10",
        user_identity: &caller.user_identity,
        event_time: format_seconds(time),
        event_source: format!("{}.amazonaws.com", event_source(call.service)),
        event_name: call.operation,
        aws_region: region,
        source_ip_address: &caller.address,
        user_agent: &caller.user_agent,
        error_code: call.failure.as_ref().and_then(|failure| failure.code.as_deref()),
        error_message: call.failure.as_ref().map(|failure| failure.message.as_str()),
        request_parameters: &call.request,
        response_elements: &call.response,
        additional_event_data: &call.additional,
        request_id: (!sign_in).then(|| random.uuid()),
        event_id: &event_id,
        read_only: call.read_only,
        resources: &call.resources,
        event_type: call.event_type,
        management_event: true,
        recipient_account_id: &account.id,
        shared_event_id: call.shared_id.as_deref(),
        vpc_endpoint_id: caller.vpc_endpoint.as_deref(),
        event_category: "Management",
        tls_details,
        session_credential_from_console: caller.from_console.then_some("true"),
    };
    // Strings, integers and objects with text keys always serialise.
    let line = serde_json::to_string(&record).unwrap_or_default();
    (event_id, line)
}

/// The service's name in `eventSource` where it isn't the prefix of its actions.
fn event_source(service: &'static str) -> &'static str {
    match service {
        "cloudwatch" => "monitoring",
        other => other,
    }
}
