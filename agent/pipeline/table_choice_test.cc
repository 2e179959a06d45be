// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/table_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::HasSubstr;

v1::Manifest ManifestOf(const std::vector<std::pair<std::string, std::string>>& tables) {
  v1::Manifest manifest;
  for (const auto& [schema, name] : tables) {
    v1::TableFacts& table = *manifest.add_tables();
    table.set_schema(schema);
    table.set_name(name);
  }
  return manifest;
}

class TableChoiceTest : public ::testing::Test {
 protected:
  std::string Chosen(const std::vector<std::string>& tables, const std::vector<std::string>& schemas) const {
    const auto choice = TableChoice::Of(manifest_, tables, schemas);
    EXPECT_THAT(choice, IsOk());
    std::string numbers;
    for (size_t i = 0; i < static_cast<size_t>(manifest_.tables_size()); ++i) {
      numbers += choice.ok() && choice->Has(i) ? '1' : '0';
    }
    return numbers;
  }
  bool LeavesOut(const std::string& statement) const {
    return TableChoice::Of(manifest_, {"public.a"}, {})->LeavesOut(manifest_, ClassifyStatement(statement));
  }

  const v1::Manifest manifest_ = ManifestOf({{"public", "a"}, {"public", "b c"}, {"two", "a"}, {"two", "x.y"}});
};

TEST_F(TableChoiceTest, WithoutNamesItIsEverything) {
  EXPECT_EQ(Chosen({}, {}), "1111");
  EXPECT_TRUE(TableChoice::Of(manifest_, {}, {})->is_everything());
}

TEST_F(TableChoiceTest, TablesAndSchemasAddUp) {
  EXPECT_EQ(Chosen({"public.a"}, {}), "1000");
  EXPECT_EQ(Chosen({"public.b c", "two.x.y"}, {}), "0101");
  EXPECT_EQ(Chosen({}, {"two"}), "0011");
  EXPECT_EQ(Chosen({"public.a", "public.a"}, {"two"}), "1011");
}

TEST_F(TableChoiceTest, ANameThatChoosesNothingIsRefusedWithWhatThereIs) {
  for (const auto& choice : {TableChoice::Of(manifest_, {"public.a", "a"}, {}),
                             TableChoice::Of(manifest_, {}, {"three"}), TableChoice::Of(ManifestOf({}), {"a.b"}, {})}) {
    EXPECT_THAT(choice, HasReason("TABLE_NOT_FOUND"));
  }
  EXPECT_EQ(ErrorHint(TableChoice::Of(manifest_, {"a"}, {}).status()), "did you mean public.a or two.a?");
  EXPECT_EQ(ErrorHint(TableChoice::Of(manifest_, {"other.a"}, {}).status()), "did you mean public.a or two.a?");
  EXPECT_EQ(ErrorHint(TableChoice::Of(manifest_, {"public.bc"}, {}).status()), "did you mean public.b c?");
  EXPECT_EQ(ErrorHint(TableChoice::Of(manifest_, {"b  c"}, {}).status()), "did you mean public.b c?");
  EXPECT_THAT(ErrorHint(TableChoice::Of(manifest_, {"nowhere"}, {}).status()),
              HasSubstr("public.a, public.b c, two.a"));
}

TEST_F(TableChoiceTest, LeavesOutForeignKeysThatWouldFail) {
  EXPECT_TRUE(LeavesOut("ALTER TABLE ONLY public.a\n    ADD CONSTRAINT k FOREIGN KEY (x) REFERENCES two.a(id)"));
  EXPECT_TRUE(
      LeavesOut("ALTER TABLE ONLY public.a\n    ADD CONSTRAINT k FOREIGN KEY (x) REFERENCES public.parted(id)"));
  EXPECT_TRUE(LeavesOut("ALTER TABLE public.parted\n    ADD CONSTRAINT k FOREIGN KEY (x) REFERENCES two.a(id)"));
  EXPECT_FALSE(LeavesOut("ALTER TABLE ONLY public.a\n    ADD CONSTRAINT k FOREIGN KEY (x) REFERENCES public.a(id)"));
  EXPECT_FALSE(LeavesOut("ALTER TABLE ONLY two.a\n    ADD CONSTRAINT k FOREIGN KEY (x) REFERENCES public.a(id)"));
}

TEST_F(TableChoiceTest, KeepsTheOtherStatementsButWhatWouldDeceive) {
  EXPECT_TRUE(LeavesOut("REFRESH MATERIALIZED VIEW public.m"));
  EXPECT_FALSE(LeavesOut("CREATE INDEX i ON public.a USING btree (x)"));
  EXPECT_FALSE(LeavesOut("ALTER TABLE public.a\n    ADD CONSTRAINT k CHECK ((x <> ' FOREIGN KEY ('::text)) NOT VALID"));
  EXPECT_FALSE(LeavesOut("CREATE TRIGGER t BEFORE INSERT ON two.a FOR EACH ROW EXECUTE FUNCTION f()"));
}

TEST_F(TableChoiceTest, EverythingLeavesNothingOut) {
  EXPECT_FALSE(TableChoice().LeavesOut(manifest_, ClassifyStatement("REFRESH MATERIALIZED VIEW public.m")));
}

}  // namespace
}  // namespace backup::agent
