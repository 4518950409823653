//! The wheels that libtorch is assembled from, pinned.
//!
//! The idea: PyPI's one `torch` wheel for Linux contains both sets; the CPU set is that without CUDA, plus the two
//! small NVIDIA libraries that `libtorch_cpu.so` links. The versions beside torch are those its own metadata
//! requires (`cuda-toolkit==13.0.2` and the pins next to it).

use super::Wheel;
use crate::libtorch::{Set, VERSION};

const TORCH_BYTES: u64 = 530_604_548;
const TORCH_SHA256: &str = "7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a";

/// Bytes on disk once unpacked, rounded up.
pub const fn unpacked_bytes(set: Set) -> u64 {
    match set {
        Set::Cpu => 550_000_000,
        Set::Cuda => 3_600_000_000,
    }
}

/// The wheels of a set, `torch` first.
pub fn wheels(set: Set) -> Vec<Wheel> {
    let mut wheels = vec![torch(set)];
    wheels.extend_from_slice(BESIDE_CPU);
    if set == Set::Cuda {
        wheels.extend_from_slice(BESIDE_CUDA);
    }
    wheels
}

const fn torch(set: Set) -> Wheel {
    let wanted = match set {
        Set::Cpu => TORCH_CPU,
        Set::Cuda => TORCH_CUDA,
    };
    Wheel { name: "torch", version: VERSION, bytes: TORCH_BYTES, sha256: TORCH_SHA256, wanted }
}

const TORCH_CPU: &[(&str, &str)] = &[
    ("torch/include/", "include/"),
    ("torch/lib/libtorch_cpu.so", "lib/"),
    ("torch/lib/libc10.so", "lib/"),
    ("torch/lib/libgomp.so.1", "lib/"),
    ("torch-2.11.0.dist-info/licenses/LICENSE", "licenses/torch.txt"),
    ("torch-2.11.0.dist-info/licenses/NOTICE", "licenses/torch-notice.txt"),
];

const TORCH_CUDA: &[(&str, &str)] = &[
    ("torch/include/", "include/"),
    ("torch/lib/libtorch_cpu.so", "lib/"),
    ("torch/lib/libc10.so", "lib/"),
    ("torch/lib/libgomp.so.1", "lib/"),
    ("torch-2.11.0.dist-info/licenses/LICENSE", "licenses/torch.txt"),
    ("torch-2.11.0.dist-info/licenses/NOTICE", "licenses/torch-notice.txt"),
    ("torch/lib/libtorch_cuda.so", "lib/"),
    ("torch/lib/libc10_cuda.so", "lib/"),
    ("torch/lib/libtorch_cuda_linalg.so", "lib/"),
    ("torch/lib/libtorch_nvshmem.so", "lib/"),
    ("torch/lib/libcaffe2_nvrtc.so", "lib/"),
];

const BESIDE_CPU: &[Wheel] = &[
    Wheel {
        name: "nvidia-cuda-runtime",
        version: "13.0.96",
        bytes: 2_243_632,
        sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
        wanted: &[
            ("nvidia/cu13/lib/libcudart.so.13", "lib/"),
            (
                "nvidia_cuda_runtime-13.0.96.dist-info/licenses/License.txt",
                "licenses/nvidia-cuda-runtime.txt",
            ),
        ],
    },
    Wheel {
        name: "nvidia-cuda-cupti",
        version: "13.0.85",
        bytes: 10_715_597,
        sha256: "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
        wanted: &[
            ("nvidia/cu13/lib/libcupti.so.13", "lib/"),
            ("nvidia_cuda_cupti-13.0.85.dist-info/licenses/License.txt", "licenses/nvidia-cuda-cupti.txt"),
        ],
    },
];

const BESIDE_CUDA: &[Wheel] = &[
    Wheel {
        name: "nvidia-cublas",
        version: "13.1.0.3",
        bytes: 423_133_236,
        sha256: "ee8722c1f0145ab246bccb9e452153b5e0515fd094c3678df50b2a0888b8b171",
        wanted: &[
            ("nvidia/cu13/lib/libcublas.so.13", "lib/"),
            ("nvidia/cu13/lib/libcublasLt.so.13", "lib/"),
            ("nvidia_cublas-13.1.0.3.dist-info/licenses/License.txt", "licenses/nvidia-cublas.txt"),
        ],
    },
    Wheel {
        name: "nvidia-cuda-nvrtc",
        version: "13.0.88",
        bytes: 90_215_200,
        sha256: "ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575",
        wanted: &[
            ("nvidia/cu13/lib/libnvrtc.so.13", "lib/"),
            ("nvidia/cu13/lib/libnvrtc-builtins.so.13.0", "lib/"),
            ("nvidia_cuda_nvrtc-13.0.88.dist-info/licenses/License.txt", "licenses/nvidia-cuda-nvrtc.txt"),
        ],
    },
    Wheel {
        name: "nvidia-cudnn-cu13",
        version: "9.19.0.56",
        bytes: 366_066_321,
        sha256: "d20e1734305e9d68889a96e3f35094d733ff1f83932ebe462753973e53a572bf",
        wanted: &[
            ("nvidia/cudnn/lib/", "lib/"),
            ("nvidia_cudnn_cu13-9.19.0.56.dist-info/licenses/License.txt", "licenses/nvidia-cudnn-cu13.txt"),
        ],
    },
    Wheel {
        name: "nvidia-cufft",
        version: "12.0.0.61",
        bytes: 214_085_489,
        sha256: "6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3",
        wanted: &[
            ("nvidia/cu13/lib/libcufft.so.12", "lib/"),
            ("nvidia_cufft-12.0.0.61.dist-info/licenses/License.txt", "licenses/nvidia-cufft.txt"),
        ],
    },
    Wheel {
        name: "nvidia-cufile",
        version: "1.15.1.6",
        bytes: 1_223_672,
        sha256: "08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44",
        wanted: &[
            ("nvidia/cu13/lib/libcufile.so.0", "lib/"),
            ("nvidia_cufile-1.15.1.6.dist-info/licenses/License.txt", "licenses/nvidia-cufile.txt"),
        ],
    },
    Wheel {
        name: "nvidia-curand",
        version: "10.4.0.35",
        bytes: 59_544_258,
        sha256: "1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc",
        wanted: &[
            ("nvidia/cu13/lib/libcurand.so.10", "lib/"),
            ("nvidia_curand-10.4.0.35.dist-info/licenses/License.txt", "licenses/nvidia-curand.txt"),
        ],
    },
    Wheel {
        name: "nvidia-cusolver",
        version: "12.0.4.66",
        bytes: 200_941_980,
        sha256: "0a759da5dea5c0ea10fd307de75cdeb59e7ea4fcb8add0924859b944babf1112",
        wanted: &[
            ("nvidia/cu13/lib/libcusolver.so.12", "lib/"),
            ("nvidia_cusolver-12.0.4.66.dist-info/licenses/License.txt", "licenses/nvidia-cusolver.txt"),
        ],
    },
    Wheel {
        name: "nvidia-cusparse",
        version: "12.6.3.3",
        bytes: 145_942_937,
        sha256: "2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b",
        wanted: &[
            ("nvidia/cu13/lib/libcusparse.so.12", "lib/"),
            ("nvidia_cusparse-12.6.3.3.dist-info/licenses/License.txt", "licenses/nvidia-cusparse.txt"),
        ],
    },
    Wheel {
        name: "nvidia-cusparselt-cu13",
        version: "0.8.0",
        bytes: 169_884_119,
        sha256: "25e30a8a7323935d4ad0340b95a0b69926eee755767e8e0b1cf8dd85b197d3fd",
        wanted: &[
            ("nvidia/cusparselt/lib/libcusparseLt.so.0", "lib/"),
            ("nvidia/cusparselt/LICENSE.txt", "licenses/nvidia-cusparselt-cu13.txt"),
        ],
    },
    Wheel {
        name: "nvidia-nccl-cu13",
        version: "2.28.9",
        bytes: 196_493_177,
        sha256: "e4553a30f34195f3fa1da02a6da3d6337d28f2003943aa0a3d247bbc25fefc42",
        wanted: &[
            ("nvidia/nccl/lib/libnccl.so.2", "lib/"),
            ("nvidia_nccl_cu13-2.28.9.dist-info/licenses/License.txt", "licenses/nvidia-nccl-cu13.txt"),
        ],
    },
    Wheel {
        name: "nvidia-nvjitlink",
        version: "13.0.88",
        bytes: 40_713_933,
        sha256: "13a74f429e23b921c1109976abefacc69835f2f433ebd323d3946e11d804e47b",
        wanted: &[
            ("nvidia/cu13/lib/libnvJitLink.so.13", "lib/"),
            ("nvidia_nvjitlink-13.0.88.dist-info/licenses/License.txt", "licenses/nvidia-nvjitlink.txt"),
        ],
    },
    Wheel {
        name: "nvidia-nvshmem-cu13",
        version: "3.4.5",
        bytes: 60_412_546,
        sha256: "290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80",
        wanted: &[
            ("nvidia/nvshmem/lib/libnvshmem_host.so.3", "lib/"),
            ("nvidia_nvshmem_cu13-3.4.5.dist-info/licenses/License.txt", "licenses/nvidia-nvshmem-cu13.txt"),
        ],
    },
];
