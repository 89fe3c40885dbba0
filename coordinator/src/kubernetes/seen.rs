//! A Node as far as it is read: what is not named here is skipped while it is parsed, so that images cost no memory.

use std::borrow::Cow;

use k8s_openapi::{
    ClusterResourceScope,
    api::core::v1::{NodeAddress, NodeCondition, Taint},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::Resource;
use serde::Deserialize;

/// A Node.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct SeenNode {
    #[serde(default)]
    pub(super) metadata: ObjectMeta,
    pub(super) spec: Option<SeenSpec>,
    pub(super) status: Option<SeenStatus>,
}

/// Its `spec`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct SeenSpec {
    pub(super) taints: Option<Vec<Taint>>,
    pub(super) unschedulable: Option<bool>,
}

/// Its `status`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SeenStatus {
    pub(super) addresses: Option<Vec<NodeAddress>>,
    pub(super) conditions: Option<Vec<NodeCondition>>,
    pub(super) node_info: Option<SeenInfo>,
}

/// Its `status.nodeInfo`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct SeenInfo {
    #[serde(default, rename = "machineID")]
    pub(super) machine_id: String,
    #[serde(default, rename = "systemUUID")]
    pub(super) system_uuid: String,
}

impl Resource for SeenNode {
    type DynamicType = ();
    type Scope = ClusterResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        "Node".into()
    }

    fn group((): &()) -> Cow<'_, str> {
        "".into()
    }

    fn version((): &()) -> Cow<'_, str> {
        "v1".into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        "nodes".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
