//! `make bench`: measures the agent beside node_exporter and the coordinator under a thousand agents, and prints what
//! `docs/PERFORMANCE.md` records. Nothing here passes or fails: a figure that misses its target is printed as missed.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a benchmark talks and may stop")]

use std::{env, time::Duration};

use coord_tests::bench::{agent, events, fleet, idle, kubernetes, machine};

/// Minutes from the environment, or a default.
fn minutes(name: &str, default: u64) -> Duration {
    let given = env::var(name).ok().and_then(|text| text.parse().ok());
    Duration::from_secs_f64(60.0 * given.unwrap_or(default as f64))
}

fn main() {
    let wanted: Vec<String> = env::args().skip(1).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|given| given == name);
    println!("{}", machine::describe());
    if wants("agent") {
        println!("{}", agent::measure(agent::PACE, minutes("BENCH_AGENT_MINUTES", 10)));
    }
    if wants("slow") {
        println!("{}", agent::measure(agent::SLOW_PACE, minutes("BENCH_AGENT_MINUTES", 10)));
    }
    if wants("first") {
        println!("{}", events::first_report());
    }
    if wants("latency") {
        println!("{}", events::latency());
    }
    if wants("storm") {
        println!("{}", events::storm(minutes("BENCH_STORM_MINUTES", 1)));
    }
    if wants("many") {
        println!("{}", events::many_mounts());
    }
    if wants("idle") {
        println!("{}", idle::calls(minutes("BENCH_IDLE_MINUTES", 10)));
    }
    if wants("fleet") {
        let down = minutes("BENCH_DOWN_MINUTES", 5);
        let steady = minutes("BENCH_STEADY_MINUTES", 2);
        println!("{}", fleet::measure(fleet::Reports::Full, steady, Some(down)));
        println!("{}", fleet::measure(fleet::Reports::Empty, steady, None));
    }
    if wants("kubernetes") {
        println!("{}", kubernetes::measure());
    }
}
