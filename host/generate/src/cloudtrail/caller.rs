//! Who calls, from where and with what: the parts of a record that don't depend on the call.

use countersign_model::Timestamp;

use crate::estate::{CloudAccount, Estate, Instance, Person, Pipeline, Role, User};
use crate::json::{Json, object};
use crate::random::Random;
use crate::time::format_seconds;

/// A caller with its credential, ready to make calls.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Place of the account called.
    pub(crate) account: usize,
    pub(crate) arn: String,
    /// The account's subject: `AIDA…`, or the `AROA…` part of a session.
    pub(crate) subject: String,
    pub(crate) user_identity: Json,
    /// An address, or the domain of a service.
    pub(crate) address: String,
    pub(crate) user_agent: String,
    pub(crate) vpc_endpoint: Option<String>,
    pub(crate) by_service: bool,
    pub(crate) from_console: bool,
}

/// A session as it goes into `userIdentity.sessionContext`.
pub(crate) struct Session {
    pub(crate) created: Timestamp,
    pub(crate) mfa: bool,
    /// `ASIA…`
    pub(crate) access_key: String,
}

impl Session {
    pub(crate) fn new(random: &mut Random, created: Timestamp, mfa: bool) -> Session {
        Session { created, mfa, access_key: random.id("ASIA", 16) }
    }

    fn attributes(&self) -> Json {
        object! {
            "creationDate" => format_seconds(self.created),
            "mfaAuthenticated" => if self.mfa { "true" } else { "false" },
        }
    }
}

/// An IAM user with its long-lived access key.
pub(crate) fn with_key(account: &CloudAccount, user: &User, address: &str, user_agent: &str) -> Caller {
    let arn = user_arn(account, user);
    Caller {
        account: user.account,
        user_identity: object! {
            "type" => "IAMUser",
            "principalId" => &user.id,
            "arn" => &arn,
            "accountId" => &account.id,
            "accessKeyId" => &user.access_key,
            "userName" => &user.name,
        },
        arn,
        subject: user.id.clone(),
        address: address.to_owned(),
        user_agent: user_agent.to_owned(),
        vpc_endpoint: None,
        by_service: false,
        from_console: false,
    }
}

/// An IAM user in a console session.
pub(crate) fn in_console(account: &CloudAccount, user: &User, session: &Session, address: &str, agent: &str) -> Caller {
    let mut caller = with_key(account, user, address, agent);
    caller.user_identity = object! {
        "type" => "IAMUser",
        "principalId" => &user.id,
        "arn" => &caller.arn,
        "accountId" => &account.id,
        "accessKeyId" => &session.access_key,
        "userName" => &user.name,
        "sessionContext" => object! { "attributes" => session.attributes() },
    };
    caller.from_console = true;
    caller
}

/// A session of a role, named `name` by the principal that assumed it.
pub(crate) fn in_role(account: &CloudAccount, role: &Role, name: &str, session: &Session) -> Caller {
    role_session(account, role, name, session, None, None)
}

/// An instance with the session of its own role, calling over its public address.
pub(crate) fn on_instance(account: &CloudAccount, instance: &Instance, session: &Session, address: &str) -> Caller {
    let mut caller = role_session(account, &instance.role, &instance.id, session, Some("2.0"), None);
    address.clone_into(&mut caller.address);
    "aws-sdk-go/1.55.5 (go1.22.10; linux; arm64) amazon-ssm-agent/3.3.1611.0".clone_into(&mut caller.user_agent);
    caller
}

/// A service in the session of a role that was made for it.
pub(crate) fn for_service(
    account: &CloudAccount,
    role: &Role,
    name: &str,
    session: &Session,
    service: &'static str,
) -> Caller {
    let mut caller = role_session(account, role, name, session, None, Some(service));
    service.clone_into(&mut caller.address);
    service.clone_into(&mut caller.user_agent);
    caller.by_service = true;
    caller
}

/// A service itself, without any principal of the account.
pub(crate) fn service(account: usize, service: &'static str) -> Caller {
    Caller {
        account,
        arn: service.to_owned(),
        subject: service.to_owned(),
        user_identity: object! { "type" => "AWSService", "invokedBy" => service },
        address: service.to_owned(),
        user_agent: service.to_owned(),
        vpc_endpoint: None,
        by_service: true,
        from_console: false,
    }
}

/// A service that reports an event of its own: its record has neither type nor principal.
pub(crate) fn reporting(estate: &Estate, account: usize, name: &'static str) -> Caller {
    let mut caller = service(account, name);
    caller.user_identity = object! { "accountId" => &estate.account(account).id, "invokedBy" => name };
    caller
}

/// A caller as the records of another account show it: with its own account's id, and little else.
pub(crate) fn from_account(caller: &Caller, own_account: &CloudAccount, called: usize) -> Caller {
    let user_identity = object! {
        "type" => "AWSAccount",
        "principalId" => &caller.subject,
        "accountId" => &own_account.id,
    };
    Caller { account: called, user_identity, ..caller.clone() }
}

/// A container that shows its cluster's token: known by issuer and subject, not yet by any key.
pub(crate) fn with_web_identity(account: &CloudAccount, place: usize, workload: &str, address: String) -> Caller {
    let issuer = format!("oidc.eks.{}.amazonaws.com/id/{}", account.region, account.detector.to_uppercase());
    let provider = format!("arn:aws:iam::{}:oidc-provider/{issuer}", account.id);
    let subject = format!("system:serviceaccount:shop:{workload}");
    let principal = format!("{provider}:sts.amazonaws.com:{subject}");
    Caller {
        account: place,
        arn: principal.clone(),
        user_identity: object! {
            "type" => "WebIdentityUser",
            "principalId" => principal,
            "userName" => &subject,
            "identityProvider" => provider,
        },
        subject,
        address,
        user_agent: "aws-sdk-java/2.29.45 Linux/6.1.119 OpenJDK_64-Bit_Server_VM/21.0.5".to_owned(),
        vpc_endpoint: None,
        by_service: false,
        from_console: false,
    }
}

/// A person with their own access key on the command line.
pub(crate) fn on_command_line(estate: &Estate, person: &Person, address: &str) -> Caller {
    let agent = "aws-cli/2.22.12 md/awscrt#0.23.4 ua/2.0 os/linux#6.8.0 md/arch#x86_64 lang/python#3.12.6";
    with_key(estate.account(person.user.account), &person.user, address, agent)
}

/// A pipeline with its own access key.
pub(crate) fn in_pipeline(estate: &Estate, pipeline: &Pipeline) -> Caller {
    with_key(estate.account(pipeline.user.account), &pipeline.user, &pipeline.runner, TERRAFORM)
}

/// What Terraform calls itself.
pub(crate) const TERRAFORM: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.10.3 (+https://www.terraform.io) terraform-provider-aws/5.82.2 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.32.7 ua/2.1 os/linux lang/go#1.23.3";

/// `arn:aws:iam::ACCOUNT:user/NAME`.
pub(crate) fn user_arn(account: &CloudAccount, user: &User) -> String {
    format!("arn:aws:iam::{}:user/{}", account.id, user.name)
}

/// `arn:aws:iam::ACCOUNT:role/PATH/NAME`.
pub(crate) fn role_arn(account: &CloudAccount, role: &Role) -> String {
    format!("arn:aws:iam::{}:role{}{}", account.id, role.path, role.name)
}

fn role_session(
    account: &CloudAccount,
    role: &Role,
    name: &str,
    session: &Session,
    delivery: Option<&'static str>,
    invoked_by: Option<&'static str>,
) -> Caller {
    let arn = format!("arn:aws:sts::{}:assumed-role/{}/{name}", account.id, role.name);
    let mut context = vec![
        (
            "sessionIssuer",
            object! {
                "type" => "Role",
                "principalId" => &role.id,
                "arn" => role_arn(account, role),
                "accountId" => &account.id,
                "userName" => &role.name,
            },
        ),
        ("attributes", session.attributes()),
    ];
    context.extend(delivery.map(|version| ("ec2RoleDelivery", version.into())));
    let mut identity = vec![
        ("type", "AssumedRole".into()),
        ("principalId", format!("{}:{name}", role.id).into()),
        ("arn", Json::from(&arn)),
        ("accountId", Json::from(&account.id)),
        ("accessKeyId", Json::from(&session.access_key)),
        ("sessionContext", Json::Object(context)),
    ];
    identity.extend(invoked_by.map(|service| ("invokedBy", service.into())));
    Caller {
        account: role.account,
        arn,
        subject: role.id.clone(),
        user_identity: Json::Object(identity),
        address: String::new(),
        user_agent: String::new(),
        vpc_endpoint: None,
        by_service: false,
        from_console: false,
    }
}
