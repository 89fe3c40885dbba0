//! Generates the wire types from the .proto files with protox (no protoc needed), and the gRPC stubs by hand, so that
//! they take coord-model's types through the codec of `border` and no generated type leaves this crate.

use std::{env, io};

/// Name, route, request type, response type, and which side streams.
type Call = (&'static str, &'static str, &'static str, &'static str, bool, bool);

const AGENTS: &[Call] = &[
    ("enrol", "Enrol", "Enrol", "Enrolled", false, false),
    ("renew", "Renew", "Renew", "Enrolled", false, false),
    ("rejoin", "Rejoin", "Rejoin", "Enrolled", false, false),
    ("session", "Session", "AgentMessage", "CoordinatorMessage", true, true),
];

const CONTROL: &[Call] = &[
    ("read", "Read", "Read", "Document", false, false),
    ("watch", "Watch", "Read", "Document", false, true),
    ("create_token", "CreateToken", "CreateToken", "CreatedToken", false, false),
    ("revoke_token", "RevokeToken", "RevokeToken", "Done", false, false),
    ("approve", "Approve", "Approve", "Done", false, false),
    ("rename", "Rename", "RenameNode", "Done", false, false),
    ("revoke", "Revoke", "NameNode", "Done", false, false),
    ("forget", "Forget", "NameNode", "Done", false, false),
    ("accept_clock", "AcceptClock", "Nothing", "Done", false, false),
    ("refresh", "Refresh", "RefreshNode", "Done", false, false),
    ("apply", "Apply", "ApplyPlan", "Done", false, false),
    ("pause", "Pause", "PauseSubject", "Done", false, false),
    ("resume", "Resume", "ResumeSubject", "Done", false, false),
    ("accept", "Accept", "AcceptProblem", "Done", false, false),
    ("withdraw", "Withdraw", "WithdrawProblem", "Done", false, false),
    ("adopt_label", "AdoptLabel", "AdoptLabels", "Done", false, false),
    ("adopt_taint", "AdoptTaint", "AdoptOneTaint", "Done", false, false),
    ("apply_cluster", "ApplyCluster", "ApplyClusterFile", "Done", false, false),
];

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=coord");
    let files = protox::compile(["coord/v1/coord.proto"], ["."]).map_err(io::Error::other)?;
    // Ordered maps: equal sections must have equal bytes, or every one would count as changed.
    prost_build::Config::new().bytes(["."]).btree_map(["."]).compile_fds(files)?;
    tonic_build::manual::Builder::new()
        .build_client(env::var_os("CARGO_FEATURE_CLIENT").is_some())
        .build_server(env::var_os("CARGO_FEATURE_SERVER").is_some())
        .compile(&[service("Agents", AGENTS), service("Control", CONTROL)]);
    Ok(())
}

fn service(name: &str, calls: &[Call]) -> tonic_build::manual::Service {
    calls
        .iter()
        .fold(tonic_build::manual::Service::builder().name(name).package("coord.v1"), |service, call| {
            service.method(method(call))
        })
        .build()
}

fn method((name, route, input, output, up, down): &Call) -> tonic_build::manual::Method {
    let mut method = tonic_build::manual::Method::builder()
        .name(name)
        .route_name(route)
        .input_type(format!("coord_model::{input}"))
        .output_type(format!("coord_model::{output}"))
        .codec_path("crate::border::Border");
    if *up {
        method = method.client_streaming();
    }
    if *down {
        method = method.server_streaming();
    }
    method.build()
}
