// Whether a licence field names a licence.
#pragma once

#include <string_view>

namespace tome::data {

/// A common SPDX identifier (spdx.org/licenses), "public domain", or a name of one of these families with a version
/// ("CC BY 4.0", "Apache 2.0"); case, spaces, hyphens and underscores do not matter.
bool is_known_licence(std::string_view name);

}  // namespace tome::data
