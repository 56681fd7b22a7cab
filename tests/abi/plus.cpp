// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 the cleversync authors

// A mapper in C++17, as an author elsewhere may write it.
#include <cleversync/plugin.h>

#include <array>
#include <string_view>

namespace {

constexpr std::array<cs_column, 1> columns{
    {{"CleverVisitorId", CS_TEXT, 50, CS_KEY, nullptr, nullptr}}};
constexpr cs_entity entity{"visitor", "visitors", "Visitors", columns.data(),
                           columns.size()};
constexpr std::array<const char *, 2> reads{"id", nullptr};

cs_rc map(const cs_host *host, const json_t *record, cs_value *row) noexcept
{
    const char *id = json_string_value(json_object_get(record, "id"));

    if (id == nullptr || std::string_view(id).empty())
        return cs_fail(host, CS_E_DATA, "id is no text, or empty");
    row[0].state = CS_SET;
    row[0].as.text = id;
    return CS_OK;
}

constexpr cs_mapper_ops ops{&entity, reads.data(), map};

} // namespace

CS_MAPPER_PLUGIN("plus", ops, .version = "1.0", .summary = "written in C++17",
                 .options = nullptr);
