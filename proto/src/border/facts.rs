//! The facts: every struct of a section and its message have the same field names, listed once here.

use coord_model::{json_name, section};

use super::fields::{Field, field, unknowns_from_wire, unknowns_onto_wire, word};
use crate::wire;

/// A struct of facts and its message: the single fields in braces, the lists in brackets. A list that is not known is
/// empty on the wire and has its reason in `unknown`.
macro_rules! mirror {
    ($facts:path => $message:path { $($single:ident),* $(,)? } [$($list:ident),* $(,)?]) => {
        impl Field<$message> for $facts {
            fn onto_wire(self) -> $message {
                $message {
                    $($single: self.$single.onto_wire(),)*
                    $($list: self.$list.unwrap_or_default().onto_wire(),)*
                    unknown: unknowns_onto_wire(self.unknown),
                }
            }

            fn from_wire(wire: $message) -> Result<Self, super::BadField> {
                let unknown = unknowns_from_wire(wire.unknown)?;
                $(let $single = field(stringify!($single), wire.$single)?;)*
                $(let $list = match unknown.contains_key(&json_name(stringify!($list))) {
                    true => None,
                    false => Some(field(stringify!($list), wire.$list)?),
                };)*
                Ok(Self { $($single,)* $($list,)* unknown })
            }
        }
    };
}

word!(
    section::HelperState,
    section::PlatformKind,
    section::GpuReason,
    section::CodecSource,
    section::MountState,
    section::K3sRole,
    section::UnitState,
);

mirror!(section::EventSource => wire::EventSource { name, watching, detail } []);
mirror!(section::Agent => wire::Agent { version, user, root, state_directory, configuration_file, configuration_error, helper, helper_detail, recorded_from, started_seconds } [event_sources]);
mirror!(section::Layer => wire::Layer { kind, name, privileged } [evidence]);
mirror!(section::Guest => wire::Guest { name, identifier, kind, running, uuid } [macs, gpus]);
mirror!(section::Platform => wire::Platform { kind, label, product, hypervisor, architecture, kernel, operating_system, host_name, machine_id, flash_guid, dmi_uuid, serial_number } [layers, guests]);
mirror!(section::Pressure => wire::Pressure { some_10, some_60, full_10, full_60 } []);
mirror!(section::Temperature => wire::Temperature { name, celsius, critical_celsius } []);
mirror!(section::Power => wire::Power { undervoltage, undervoltage_seen, throttled, throttled_seen, frequency_capped, frequency_capped_seen } []);
mirror!(section::System => wire::System { processors, processor_model, load_1, load_5, load_15, load_source, processor_busy_seconds, memory_total_bytes, memory_available_bytes, memory_source, swap_total_bytes, swap_free_bytes, uptime_seconds, boot_id, processor_pressure, memory_pressure, io_pressure, clock_synchronised, clock_offset_seconds, reboot_needed, unclean_boots, kernel_stalls, kernel_io_errors, watchdog, power } [temperatures, reboot_reasons]);
mirror!(section::Codecs => wire::Codecs { source, reference } [decode, encode]);
mirror!(section::GpuAccess => wire::GpuAccess { usable_by_root, usable_by_group, reason, detail, group, group_id, mode, tested_as, render_group_id } []);
mirror!(section::GpuDevice => wire::GpuDevice { address, vendor_id, device_id, name, driver, card, render_node, render_number, virtual_function, runtime_status, can_transcode, access, opened, codecs, video_busy_percent, physical_function, virtual_functions, driver_version, open_detail, verdict_seconds } [users, guests]);
mirror!(section::Gpu => wire::Gpu {  } [devices]);
mirror!(section::Filesystem => wire::Filesystem { path, device_number, source, kind, size_bytes, free_bytes, available_bytes, inodes, inodes_free, read_only, disk, rotational, errors, read_only_flips } [roles]);
mirror!(section::BlockDevice => wire::BlockDevice { name, model, size_bytes, rotational, removable, state, written_bytes, life_used_percent, pre_end_of_life, critical_warning, smart, io_errors, kernel_errors, degraded, mismatches } []);
mirror!(section::Disk => wire::Disk { sync_latency_seconds, sync_latency_path } [filesystems, devices]);
mirror!(section::Mount => wire::Mount { device_number, kind, source, server, export, options, read_only, hard, version, state, detail, state_seconds, size_bytes, available_bytes, round_trip_seconds, operations, retransmissions, major_timeouts, waiting, ping_seconds, sentinel, server_address, port, name, outstanding, shadow_bytes, shadow_files } [paths]);
mirror!(section::Export => wire::Export { path, kind, clients } []);
mirror!(section::Mounts => wire::Mounts {  } [mounts, exports]);
mirror!(section::Certificate => wire::Certificate { name, source, seconds_left } []);
mirror!(section::Snapshot => wire::Snapshot { path, size_bytes, age_seconds } []);
mirror!(section::Etcd => wire::Etcd { ready, has_leader, commit_p99_seconds, voter, database_bytes, quota_bytes, sync_p99_seconds, leader_changes } []);
mirror!(section::K3s => wire::K3s { role, unit, unit_state, unit_since_seconds, enabled, version, datastore, server_url, kubelet_healthy, apiserver_reachable, apiserver_detail, blocked_threads, certificate_files, etcd } [load_balancer, certificates, snapshots]);
mirror!(section::DockerContainer => wire::DockerContainer { name, image, state, health } []);
mirror!(section::Docker => wire::Docker { present, running, socket, version } [containers]);
mirror!(section::Interface => wire::Interface { name, mac, physical, state, mtu, speed_megabits } [addresses]);
mirror!(section::Network => wire::Network { host_name, default_interface, gateway, virtual_address, tailscale, path_mtu, path_mtu_to } [interfaces]);
mirror!(section::SerialDevice => wire::SerialDevice { tty, product, manufacturer, vendor_id, product_id, serial_number, candidate, present, busy } []);
mirror!(section::Usb => wire::Usb {  } [serial_devices]);
mirror!(section::UnraidDisk => wire::UnraidDisk { name, device, model, status, spun_down, celsius, errors, size_bytes, free_bytes, rotational, role } []);
mirror!(section::Share => wire::Share { name, free_bytes, exported } []);
mirror!(section::Parity => wire::Parity { running, progress_percent, errors, action, last_result, last_ended_seconds } []);
mirror!(section::Unraid => wire::Unraid { version, array_state, parity, mover_running } [shares, disks]);
