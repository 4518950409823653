//! The same table for Rust hosts, as an `abi_stable` root module whose layout is checked, type by type, when the
//! library is loaded.

use abi_stable::StableAbi;
use abi_stable::library::RootModule;
use abi_stable::package_version_strings;
use abi_stable::sabi_types::VersionStrings;

use crate::AutochromeApi;

/// Root module of the plugin. A prefix type: later versions append fields after `api`.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = AutochromeRoot_Ref)))]
#[sabi(missing_field(panic))]
pub struct AutochromeRoot {
    /// Returns the C function table; a static, never freed.
    #[sabi(last_prefix_field)]
    pub api: extern "C" fn() -> *const AutochromeApi,
}

impl RootModule for AutochromeRoot_Ref {
    abi_stable::declare_root_module_statics! {AutochromeRoot_Ref}
    const BASE_NAME: &'static str = "autochrome";
    const NAME: &'static str = "autochrome";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}
