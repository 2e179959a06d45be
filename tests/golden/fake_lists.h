// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>

// Lists as the fake controller answers from them.
namespace backup::testing {

// The item of a list by its name; null when it is not there.
template <typename List>
auto* FindByName(List* list, const std::string& name) {
  for (auto& item : *list) {
    if (item.name() == name) return &item;
  }
  return static_cast<decltype(&*list->begin())>(nullptr);
}

// Pages of a list; tokens are positions.
template <typename Request, typename Items, typename Add>
void Page(const Request& request, const Items& items, std::string* next_page_token, const Add& add) {
  const int begin = request.page_token().empty() ? 0 : std::stoi(request.page_token());
  const int size = request.page_size() == 0 ? 100 : request.page_size();
  const int end = std::min(begin + size, static_cast<int>(items.size()));
  for (int i = begin; i < end; ++i) add(items[i]);
  if (end < static_cast<int>(items.size())) *next_page_token = std::to_string(end);
}

template <typename List, typename Item>
bool IsAny(const List& list, const Item& item) {
  return list.empty() || std::find(list.begin(), list.end(), item) != list.end();
}

inline bool IsOf(const std::string& agent, const std::string& database) {
  return agent.empty() || agent == "agents/-" || database.rfind(agent + "/", 0) == 0;
}

}  // namespace backup::testing
