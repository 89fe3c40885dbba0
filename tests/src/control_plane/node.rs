//! A Node as a kubelet registers it, with as much in its status as coord and the scheduler look at.

use serde_json::{Map, Value, json};

/// A Node that can be created. `MadeNode::new("k3s-w3").machine_id("2f1c…").address("192.168.1.13")`.
#[derive(Debug, Clone)]
pub struct MadeNode {
    /// Its name, as in the cluster file.
    pub name: String,
    machine_id: String,
    system_uuid: String,
    kubelet: String,
    architecture: String,
    addresses: Vec<String>,
    labels: Vec<(String, String)>,
    taints: Vec<(String, String, String)>,
    padding: usize,
}

impl MadeNode {
    /// With a machine-id made of its name, without addresses, labels or taints, as k3s v1.34.3 would call itself.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            machine_id: stretched(name),
            system_uuid: String::new(),
            kubelet: "v1.34.3+k3s1".to_owned(),
            architecture: "amd64".to_owned(),
            addresses: Vec::new(),
            labels: Vec::new(),
            taints: Vec::new(),
            padding: 0,
        }
    }

    /// 32 hexadecimal digits.
    #[must_use]
    pub fn machine_id(mut self, machine_id: &str) -> Self {
        machine_id.clone_into(&mut self.machine_id);
        self
    }

    /// The UUID of its firmware.
    #[must_use]
    pub fn system_uuid(mut self, system_uuid: &str) -> Self {
        system_uuid.clone_into(&mut self.system_uuid);
        self
    }

    /// What its kubelet calls its version.
    #[must_use]
    pub fn kubelet(mut self, version: &str) -> Self {
        version.clone_into(&mut self.kubelet);
        self
    }

    /// As Kubernetes calls it: `amd64`, `arm64`.
    #[must_use]
    pub fn architecture(mut self, architecture: &str) -> Self {
        architecture.clone_into(&mut self.architecture);
        self
    }

    /// One more internal address.
    #[must_use]
    pub fn address(mut self, address: &str) -> Self {
        self.addresses.push(address.to_owned());
        self
    }

    /// One more label.
    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.push((key.to_owned(), value.to_owned()));
        self
    }

    /// One more taint.
    #[must_use]
    pub fn taint(mut self, key: &str, value: &str, effect: &str) -> Self {
        self.taints.push((key.to_owned(), value.to_owned(), effect.to_owned()));
        self
    }

    /// As many bytes of image names as a kubelet lists on a node that has run much.
    #[must_use]
    pub const fn padded(mut self, bytes: usize) -> Self {
        self.padding = bytes;
        self
    }

    /// The object, for a client or for `kubectl create`.
    #[must_use]
    pub fn object(&self) -> Value {
        let mut labels: Map<String, Value> = Map::new();
        let own = [
            ("kubernetes.io/arch", self.architecture.as_str()),
            ("kubernetes.io/os", "linux"),
            ("kubernetes.io/hostname", &self.name),
        ];
        labels.extend(own.map(|(key, value)| (key.to_owned(), json!(value))));
        labels.extend(self.labels.iter().map(|(key, value)| (key.clone(), json!(value))));
        let taint =
            |(key, value, effect): &(String, String, String)| json!({"key": key, "value": value, "effect": effect});
        json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.name, "labels": labels},
            "spec": {"taints": self.taints.iter().map(taint).collect::<Vec<_>>()},
            "status": self.status(),
        })
    }

    fn status(&self) -> Value {
        let resources = json!({"cpu": "4", "memory": "8Gi", "pods": "110"});
        let mut addresses: Vec<Value> =
            self.addresses.iter().map(|address| json!({"type": "InternalIP", "address": address})).collect();
        addresses.push(json!({"type": "Hostname", "address": self.name}));
        json!({
            "addresses": addresses,
            "allocatable": resources,
            "capacity": resources,
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is ready"}],
            "images": self.images(),
            "nodeInfo": {
                "machineID": self.machine_id, "systemUUID": self.system_uuid, "bootID": "",
                "kernelVersion": "6.12.0", "osImage": "Debian GNU/Linux 13 (trixie)", "operatingSystem": "linux",
                "architecture": self.architecture, "containerRuntimeVersion": "containerd://2.1.5-k3s1",
                "kubeletVersion": self.kubelet, "kubeProxyVersion": "",
            },
        })
    }

    fn images(&self) -> Vec<Value> {
        let name = |index: usize| format!("example.invalid/{}/image-{index:04}@sha256:{}", self.name, "0".repeat(64));
        let each = name(0).len() + 40;
        (0..self.padding / each).map(|index| json!({"names": [name(index)], "sizeBytes": 123_456_789})).collect()
    }
}

/// 32 hexadecimal digits that differ where names do.
fn stretched(name: &str) -> String {
    let mut state: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in name.bytes() {
        state = (state ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
    }
    format!("{state:032x}")
}
