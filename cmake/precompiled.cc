// SPDX-License-Identifier: Apache-2.0
// The source that the precompiled headers of cmake/PrecompiledHeaders.cmake are built with; it has no content of its own.
