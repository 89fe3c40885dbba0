//! One connection from its making to its end, again and again: a cluster may come and go.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{
    cluster_resource, connect, events, failure::Failure, lease::Holder, state::Shared, survey, virtual_address, watch,
};

/// The first pause after an end; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(500);
/// The longest pause: so long may a cluster that comes back wait for us.
const LONGEST: Duration = Duration::from_secs(8);
/// A connection that lived this long was a good one.
const GOOD: Duration = Duration::from_secs(60);

/// Connects and connects again until told to stop; then gives the Lease back.
pub(super) async fn run(shared: &Shared, stop: &CancellationToken) {
    let mut holder = Holder::new(&shared.settings.holder, &shared.run);
    let mut pause = FIRST;
    loop {
        let began = shared.now();
        let failure = tokio::select! {
            failure = Box::pin(one(shared, &mut holder)) => failure,
            () = stop.cancelled() => break,
        };
        shared.lost(failure);
        pause = if shared.now().since(began) > GOOD { FIRST } else { pause.saturating_mul(2).min(LONGEST) };
        tokio::select! {
            () = tokio::time::sleep(pause) => {},
            () = stop.cancelled() => break,
        }
    }
    holder.release(shared).await;
}

/// One connection; why it ended.
async fn one(shared: &Shared, holder: &mut Holder) -> Failure {
    let connection = match connect::connect(&shared.settings).await {
        Ok(connection) => connection,
        Err(failure) => return failure,
    };
    match connection.cluster().await {
        Ok(cluster) => shared.connected(connection.clone(), cluster),
        Err(failure) => return failure,
    }
    // The first that ends takes the others with it: a connection is good as a whole or not at all.
    tokio::select! {
        failure = Box::pin(watch::run(shared, &connection)) => failure,
        failure = Box::pin(holder.keep(shared, &connection)) => failure,
        () = Box::pin(connect::replaced(&shared.settings)) => Failure::away("there is another kubeconfig", None),
        () = Box::pin(survey::run(shared, &connection)) => Failure::away("surveys ended", None),
        () = Box::pin(virtual_address::run(shared, &connection)) => Failure::away("the look at kube-vip ended", None),
        () = Box::pin(cluster_resource::run(shared, &connection)) => {
            Failure::away("the watch of the cluster resource ended", None)
        },
        () = Box::pin(events::run(shared, &connection)) => Failure::away("the telling of events ended", None),
    }
}
