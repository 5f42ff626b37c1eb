#include "web/page.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "store/path.h"
#include "web/assets.h"
#include "web/json.h"
#include "web/server.h"

namespace doozer::web {
namespace {

std::string_view type_of(std::string_view name) {
    if (name.ends_with(".html")) return "text/html; charset=utf-8";
    if (name.ends_with(".css")) return "text/css; charset=utf-8";
    if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
    if (name.ends_with(".svg")) return "image/svg+xml";
    return "application/json";
}

/// The file as bytes that all who are sent it share.
Bytes shared(Asset const& asset) {
    static std::map<std::string_view, Bytes> copies;  // one for each name
    Bytes& copy = copies[asset.name];
    if (copy.empty()) copy = Bytes(asset.content);
    return copy;
}

/// A file of the binary, for those who may read.
class AssetExchange : public Exchange {
  public:
    AssetExchange(Call call, std::string name)
        : Exchange(std::move(call)), name_(std::move(name)) {}

  protected:
    void begin() override {
        auto const all = assets();
        auto const found = std::find_if(all.begin(), all.end(),
                                        [&](Asset const& asset) { return asset.name == name_; });
        if (found == all.end()) return refuse({Errc::noent});
        std::string const tag = "\"" + std::string(found->digest) + "\"";
        std::string const* const known = request().header("if-none-match");
        HttpResponse response;
        response.content_type = type_of(found->name);
        response.headers = {{"ETag", tag}, {"Cache-Control", "no-cache"}};
        if (known != nullptr && *known == tag) {
            response.status = 304;
        } else {
            response.value = shared(*found);
        }
        respond(std::move(response));
    }
    void answered(std::vector<replica::Reply>& /*replies*/) override {}

  private:
    std::string name_;
};

}  // namespace

ExchangePtr make_asset(Call call) {
    std::string name = call.path.substr(1);
    return std::make_unique<AssetExchange>(std::move(call), std::move(name));
}

ExchangePtr make_page(Call call) {
    // Everything that ends in a slash and could be a directory; whether there is one, and for how
    // long, the page finds out.
    std::string_view const path = call.path;
    bool const is_directory =
        path == "/" || (path != "//" && store::Path::parse(path.substr(0, path.size() - 1)).ok());
    return std::make_unique<AssetExchange>(std::move(call), is_directory ? "page.html" : "");
}

ExchangePtr make_cluster_page(Call call) {
    return std::make_unique<AssetExchange>(std::move(call), "cluster.html");
}

ExchangePtr make_interface_document(Call call) {
    return std::make_unique<AssetExchange>(std::move(call), "openapi.json");
}

}  // namespace doozer::web
