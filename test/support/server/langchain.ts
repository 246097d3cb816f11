/** The client of LangChain as the tests call any client. */
import type { ToolMessage } from "@langchain/core/messages";
import type { MultiServerMCPClient } from "@langchain/mcp-adapters";
import type { AnyClient } from "./client-exchange.ts";

export async function viaLangChain(client: MultiServerMCPClient): Promise<AnyClient> {
  const tools = await client.getTools();
  return {
    toolNames: async () => tools.map(({ name }) => name),
    async call(name, args) {
      const tool = tools.find((one) => one.name === name);
      const message: ToolMessage = await tool?.invoke({ type: "tool_call", id: "1", name, args });
      const artifacts = message.artifact as { type: string; data: unknown }[];
      return artifacts.find(({ type }) => type === "mcp_structured_content")?.data;
    },
  };
}
