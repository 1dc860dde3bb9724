"""Sources of our own, what they say, what they do not, and the same in other words."""

SOURCES = {
    "harbour": (
        "The Port of Velmar handled 4.2 million tonnes of cargo in 2023, up from 3.9 million in "
        "2022. "
        "Director Ines Calder said the new container terminal would open on 14 March 2025. "
        "The port does not accept vessels longer than 300 metres. "
        "Fees for small boats rose by 12 percent in January. "
        "At least 40 dock workers joined the strike on Tuesday, according to union leader Tomas "
        "Brandt."
    ),
    "museum": (
        "The Halden Museum opened in 1911 and closed for repairs in 1987. "
        "Admission is free for children under 12, and adults pay 9 euros. "
        "The museum owns more than 60,000 objects, but only 1,500 are on display. "
        "Curator Naomi Feld discovered the bronze mask before the flood destroyed the archive. "
        "Photography is allowed without flash. "
        "The trustees may sell the east wing to the city next year."
    ),
    "medicine": (
        "Adults take one tablet every eight hours, and never more than three tablets a day. "
        "Corvaxil must be stored below 25 degrees. "
        "In the trial, 212 of 340 patients recovered within 10 days. "
        "The drug lowered blood pressure in most patients but increased heart rate in a few. "
        "Pregnant women should not take Corvaxil. "
        "Dr Lena Osei of Marlow University led the trial."
    ),
    "company": (
        "Orbis Foods bought Tarrow Mills for $85 million in June 2019. "
        "Revenue fell to $1.2 billion last year, while profit increased to $140 million. "
        "Chief executive Paul Adeyemi expects sales to recover in 2026. "
        "The company will close its plant in Dunmore and move production to Kilcarra. "
        "The contract includes a penalty for late delivery but excludes damage caused by storms. "
        "Shareholders approved the merger by 61 votes to 22."
    ),
    "treaty": (
        "Sorvia and Maleth signed a defence pact on Friday, 6 October 2017, in the city of Brenn. "
        "The pact lasts 15 years and is renewed automatically for five more. "
        "President Karel Doran called it a turning point. "
        "Foreign minister Yusra Amari said the pact was not directed against any neighbour. "
        "Sorvia supplies Maleth with radar equipment. "
        "Maleth is not obliged to send troops if Sorvia is attacked."
    ),
    "rules": (
        "Employees may work from home up to two days a week with the consent of their manager. "
        "Requests must be filed at least 14 days before the first day of leave. "
        "Travel costs above 500 pounds require written approval from the finance office. "
        "All staff complete the safety course within three months of joining. "
        "Unused holiday cannot be carried over after 31 March."
    ),
}

# (source, kind of change, sentence): each says something that its source does not.
ALTERED = [
    ("harbour", "number", "The Port of Velmar handled 5.2 million tonnes of cargo in 2023."),
    ("harbour", "number", "In 2023 the Port of Velmar handled 3.9 million tonnes of cargo."),
    ("harbour", "unit", "The Port of Velmar handled 4.2 billion tonnes of cargo in 2023."),
    (
        "harbour",
        "name",
        "Director Ines Calvert said the new container terminal would open on 14 March 2025.",
    ),
    (
        "harbour",
        "name",
        "Tomas Brandt said the new container terminal would open on 14 March 2025.",
    ),
    (
        "harbour",
        "date",
        "Director Ines Calder said the new container terminal would open on 14 May 2025.",
    ),
    ("harbour", "date", "The new container terminal would open on March 14, 2026."),
    ("harbour", "negation", "The port accepts vessels longer than 300 metres."),
    ("harbour", "comparative", "The port does not accept vessels shorter than 300 metres."),
    ("harbour", "unit", "The port does not accept vessels longer than 300 feet."),
    ("harbour", "comparative", "Fees for small boats fell by 12 percent in January."),
    ("harbour", "number", "Fees for small boats rose by 21 percent in January."),
    ("harbour", "date", "Fees for small boats rose by 12 percent in June."),
    ("harbour", "number", "40 dock workers joined the strike on Tuesday."),
    ("harbour", "date", "At least 40 dock workers joined the strike on Thursday."),
    ("harbour", "comparative", "At most 40 dock workers joined the strike on Tuesday."),
    ("museum", "date", "The Halden Museum opened in 1921 and closed for repairs in 1987."),
    ("museum", "comparative", "The Halden Museum closed in 1911 and opened for repairs in 1987."),
    ("museum", "number", "Admission is free for children under 14, and adults pay 9 euros."),
    ("museum", "unit", "Admission is free for children under 12, and adults pay 9 dollars."),
    (
        "museum",
        "comparative",
        "The museum owns fewer than 60,000 objects, but only 1,500 are on display.",
    ),
    (
        "museum",
        "number",
        "The museum owns more than 60,000 objects, but only 2,500 are on display.",
    ),
    (
        "museum",
        "comparative",
        "Curator Naomi Feld discovered the bronze mask after the flood destroyed the archive.",
    ),
    (
        "museum",
        "name",
        "Curator Rosa Feld discovered the bronze mask before the flood destroyed the archive.",
    ),
    ("museum", "negation", "Photography is not allowed without flash."),
    ("museum", "comparative", "Photography is forbidden without flash."),
    ("museum", "modality", "The trustees will sell the east wing to the city next year."),
    ("museum", "comparative", "The trustees may sell the west wing to the city next year."),
    ("museum", "comparative", "The trustees may buy the east wing from the city next year."),
    (
        "medicine",
        "number",
        "Adults take one tablet every six hours, and never more than three tablets a day.",
    ),
    (
        "medicine",
        "unit",
        "Adults take one tablet every eight days, and never more than three tablets a day.",
    ),
    (
        "medicine",
        "number",
        "Adults take one tablet every eight hours, and never more than five tablets a day.",
    ),
    ("medicine", "comparative", "Corvaxil must be stored above 25 degrees."),
    ("medicine", "number", "Corvaxil must be stored below 35 degrees."),
    ("medicine", "modality", "Corvaxil may be stored below 25 degrees."),
    ("medicine", "number", "In the trial, 112 of 340 patients recovered within 10 days."),
    ("medicine", "unit", "In the trial, 212 of 340 patients recovered within 10 weeks."),
    ("medicine", "comparative", "The drug raised blood pressure in most patients."),
    ("medicine", "comparative", "The drug lowered blood pressure in few patients."),
    ("medicine", "negation", "Pregnant women should take Corvaxil."),
    ("medicine", "name", "Pregnant women should not take Zelparin."),
    ("medicine", "name", "Dr Lena Osei of Harlow University led the trial."),
    ("medicine", "name", "Dr Martin Osei of Marlow University led the trial."),
    ("company", "name", "Tarrow Mills bought Orbis Foods for $85 million in June 2019."),
    ("company", "number", "Orbis Foods bought Tarrow Mills for $58 million in June 2019."),
    ("company", "unit", "Orbis Foods bought Tarrow Mills for €85 million in June 2019."),
    ("company", "date", "Orbis Foods bought Tarrow Mills for $85 million in July 2019."),
    ("company", "comparative", "Orbis Foods sold Tarrow Mills for $85 million in June 2019."),
    ("company", "comparative", "Revenue rose to $1.2 billion last year."),
    ("company", "unit", "Revenue fell to $1.2 million last year."),
    ("company", "number", "Profit increased to $1.2 billion last year."),
    ("company", "date", "Chief executive Paul Adeyemi expects sales to recover in 2027."),
    ("company", "modality", "Sales will recover in 2026, chief executive Paul Adeyemi said."),
    ("company", "negation", "The company will not close its plant in Dunmore."),
    (
        "company",
        "name",
        "The company will close its plant in Kilcarra and move production to Dunmore.",
    ),
    ("company", "negation", "The contract includes damage caused by storms."),
    ("company", "comparative", "Shareholders rejected the merger by 61 votes to 22."),
    ("company", "number", "Shareholders approved the merger by 71 votes to 22."),
    (
        "treaty",
        "date",
        "Sorvia and Maleth signed a defence pact on Monday, 6 October 2017, in the city of Brenn.",
    ),
    ("treaty", "date", "Sorvia and Maleth signed a defence pact on 16 October 2017."),
    ("treaty", "date", "Sorvia and Maleth signed a defence pact in October 2019."),
    ("treaty", "name", "Sorvia and Ostrava signed a defence pact on Friday, 6 October 2017."),
    ("treaty", "number", "The pact lasts 25 years and is renewed automatically for five more."),
    ("treaty", "unit", "The pact lasts 15 months."),
    ("treaty", "number", "The pact lasts at least 15 years."),
    ("treaty", "name", "President Marek Novak called it a turning point."),
    (
        "treaty",
        "name",
        "President Karel Doran said the pact was not directed against any neighbour.",
    ),
    (
        "treaty",
        "negation",
        "Foreign minister Yusra Amari said the pact was directed against a neighbour.",
    ),
    ("treaty", "name", "Maleth supplies Sorvia with radar equipment."),
    ("treaty", "negation", "Maleth is obliged to send troops if Sorvia is attacked."),
    ("treaty", "negation", "Sorvia does not supply Maleth with radar equipment."),
    (
        "rules",
        "number",
        "Employees may work from home up to four days a week with the consent of their manager.",
    ),
    (
        "rules",
        "negation",
        "Employees may work from home up to two days a week without the consent of their manager.",
    ),
    (
        "rules",
        "modality",
        "Employees must work from home up to two days a week with the consent of their manager.",
    ),
    ("rules", "comparative", "Employees may work from home at least two days a week."),
    ("rules", "number", "Requests must be filed at least 40 days before the first day of leave."),
    (
        "rules",
        "comparative",
        "Requests must be filed at least 14 days after the first day of leave.",
    ),
    (
        "rules",
        "comparative",
        "Requests must be filed at least 14 days before the last day of leave.",
    ),
    (
        "rules",
        "comparative",
        "Travel costs below 500 pounds require written approval from the finance office.",
    ),
    (
        "rules",
        "unit",
        "Travel costs above 500 euros require written approval from the finance office.",
    ),
    (
        "rules",
        "comparative",
        "Some staff complete the safety course within three months of joining.",
    ),
    ("rules", "unit", "All staff complete the safety course within three weeks of joining."),
    ("rules", "negation", "Unused holiday can be carried over after 31 March."),
    ("rules", "comparative", "Unused holiday cannot be carried over before 31 March."),
    ("rules", "date", "Unused holiday cannot be carried over after 31 May."),
]

# (source, sentence): each says in other words what its source says.
REWORDED = [
    ("harbour", "In 2023, 4.2 million tonnes of cargo went through the Port of Velmar."),
    (
        "harbour",
        "According to director Ines Calder, the container terminal would open on March 14, 2025.",
    ),
    ("harbour", "Vessels longer than 300 metres are not accepted by the port."),
    ("harbour", "The port refuses vessels longer than 300 metres."),
    ("harbour", "In January, small boats' fees went up by 12%."),
    (
        "harbour",
        "Union leader Tomas Brandt said that at least forty dock workers joined Tuesday's strike.",
    ),
    ("museum", "The museum in Halden was opened in 1911, and it closed in 1987 for repairs."),
    ("museum", "Children under twelve get in free; adults pay €9 for admission."),
    ("museum", "Only 1,500 of the museum's more than 60,000 objects are on display."),
    (
        "museum",
        "Naomi Feld, a curator, discovered the bronze mask before the archive was destroyed by "
        "the flood.",
    ),
    ("museum", "Visitors are allowed photography if they use no flash."),
    ("museum", "Next year the trustees might sell the museum's east wing to the city."),
    ("medicine", "Every 8 hours, adults take one tablet."),
    ("medicine", "Corvaxil has to be stored at less than 25 degrees."),
    ("medicine", "212 of the trial's 340 patients recovered within ten days."),
    ("medicine", "Corvaxil should not be taken by women who are pregnant."),
    ("medicine", "The trial was led by Dr Lena Osei of Marlow University."),
    ("company", "In June 2019, Tarrow Mills was bought by Orbis Foods for 85,000,000 dollars."),
    (
        "company",
        "Last year profit increased to $140 million although revenue fell to $1.2 billion.",
    ),
    ("company", "Paul Adeyemi, the chief executive, expects that sales will recover in 2026."),
    (
        "company",
        "The plant in Dunmore will be closed by the company and production moved to Kilcarra.",
    ),
    ("company", "Damage caused by storms is not included in the contract."),
    ("company", "The merger was approved by shareholders, with 61 votes to 22."),
    ("treaty", "On 6 October 2017, Maleth and Sorvia signed a defence pact in Brenn."),
    ("treaty", "The pact lasts fifteen years."),
    ("treaty", "Yusra Amari, the foreign minister, said no neighbour was the target of the pact."),
    ("treaty", "Maleth is supplied with radar equipment by Sorvia."),
    ("treaty", "If Sorvia is attacked, Maleth does not have to send troops."),
    ("rules", "With their manager's consent, employees may work at home up to 2 days a week."),
    ("rules", "Leave requests must be filed 14 or more days before the first day of leave."),
    ("rules", "Written approval from the finance office is required for travel costs above £500."),
    ("rules", "The safety course is completed by all staff within three months of joining."),
    ("rules", "Holiday that is unused cannot be carried over after March 31."),
]

# (source, what it bears out, what it does not): subjects far from each other, written to be missed.
SUBJECTS: list[tuple[str, list[str], list[str]]] = [
    (
        (
            "Patients over 65 should receive half the usual dose of Varenol. The tablets must not"
            " be crushed. In a study of 1,240 adults, headache was the most common side effect, "
            "reported by 14 percent; nausea affected 6 percent. Treatment usually lasts six weeks"
            " and may be repeated once."
        ),
        [
            "Varenol tablets must not be crushed.",
            "For patients older than 65, the dose is half the usual one.",
            (
                "Headache, reported by 14% of the 1,240 adults in a study, was the most common "
                "side effect."
            ),
            "Nausea was reported by 6 percent of the adults.",
            "A course of treatment usually takes six weeks.",
            "The treatment can be repeated once.",
        ],
        [
            "Nausea was the most common side effect.",
            "Headache affected 6 percent of adults.",
            "Patients under 65 should receive half the usual dose.",
            "The tablets may be crushed.",
            "The tablets should be crushed.",
            "Treatment usually lasts six months.",
            "Treatment must be repeated once.",
            "In a study of 1,420 adults, headache was the most common side effect.",
            "Patients over 65 should receive double the usual dose of Varenol.",
            "Headache was the least common side effect.",
            "Treatment always lasts six weeks.",
            "Varenol is approved for children.",
        ],
    ),
    (
        (
            "The tenant shall pay a deposit of two months' rent before moving in. Either party "
            "may end the lease with three months' written notice. Pets are permitted only with "
            "the landlord's prior consent. Repairs costing less than 100 euros are paid by the "
            "tenant; all others are borne by the landlord."
        ),
        [
            "Before moving in, the tenant must pay a deposit equal to two months' rent.",
            "The lease may be ended by either party with three months' notice in writing.",
            "Pets are allowed only if the landlord has consented beforehand.",
            "The tenant pays for repairs that cost less than €100.",
            "Repairs of 100 euros or more are paid by the landlord.",
        ],
        [
            "The landlord shall pay a deposit of two months' rent.",
            "The lease can be ended with two months' written notice.",
            "Pets are permitted without the landlord's consent.",
            "Pets are not permitted.",
            "Repairs costing more than 100 euros are paid by the tenant.",
            "Only the landlord may end the lease.",
            "Either party may end the lease with three weeks' written notice.",
            "The tenant shall pay a deposit of three months' rent before moving in.",
            "Repairs costing less than 100 dollars are paid by the tenant.",
        ],
    ),
    (
        (
            "Northgate United beat Carrow Town 3-1 on Saturday. Emre Sahin scored twice in the "
            "first half, and captain Liam Doyle added a third after the break. Carrow's only goal"
            " came from a penalty in the 88th minute. The win lifts Northgate to second place, "
            "four points behind the leaders, Aldham."
        ),
        [
            "Northgate United won 3-1 against Carrow Town.",
            "Carrow Town lost 3-1 to Northgate United on Saturday.",
            "Emre Sahin scored two goals in the first half.",
            "The third goal was scored by captain Liam Doyle after the break.",
            "Northgate are now second, four points behind Aldham.",
            "Carrow scored only once, from a penalty in the 88th minute.",
        ],
        [
            "Carrow Town beat Northgate United 3-1 on Saturday.",
            "Northgate United beat Carrow Town 3-2 on Saturday.",
            "Liam Doyle scored twice in the first half.",
            "Emre Sahin scored twice in the second half.",
            "Northgate lost to Carrow Town on Saturday.",
            "The win lifts Northgate to first place.",
            "Northgate are four points ahead of Aldham.",
            "The win lifts Carrow to second place.",
            "Carrow's only goal came from a penalty in the 78th minute.",
            "Northgate United beat Carrow Town 3-1 on Sunday.",
        ],
    ),
    (
        (
            "Version 4.2 of Harbor, released on 3 March 2024, drops support for Python 3.8. The "
            "default timeout was raised from 30 to 60 seconds. Logging is disabled by default and"
            " can be enabled with the --verbose flag. Configuration files are read before "
            "environment variables, which take precedence."
        ),
        [
            "Harbor 4.2 was released on March 3, 2024.",
            "Support for Python 3.8 was dropped in version 4.2 of Harbor.",
            "The default timeout is now 60 seconds, up from 30.",
            "By default, logging is disabled; the --verbose flag enables it.",
            "Environment variables take precedence over configuration files.",
        ],
        [
            "Harbor 4.2 adds support for Python 3.8.",
            "Version 4.3 of Harbor drops support for Python 3.8.",
            "The default timeout was lowered from 60 to 30 seconds.",
            "The default timeout was raised from 60 to 30 seconds.",
            "Logging is enabled by default.",
            "Configuration files are read after environment variables.",
            "Version 4.2 of Harbor drops support for Python 3.9.",
            "The default timeout was raised from 30 to 60 minutes.",
            "Harbor 4.2 was released on 3 May 2024.",
            "Configuration files take precedence over environment variables.",
        ],
    ),
    (
        (
            "Keller Bank reported a net loss of 240 million francs for the second quarter, "
            "compared with a profit of 310 million a year earlier. Chief financial officer Ruth "
            "Amsler blamed higher loan provisions. The bank expects to return to profit in the "
            "fourth quarter. Its shares fell 7.5 percent to 18.20 francs."
        ),
        [
            "Keller Bank lost 240 million francs in the second quarter.",
            (
                "In the second quarter Keller Bank made a net loss of CHF 240 million, after a "
                "profit of 310 million a year before."
            ),
            (
                "Ruth Amsler, the chief financial officer, put the loss down to higher loan "
                "provisions."
            ),
            "Shares in the bank dropped by 7.5% to 18.20 francs.",
            "The bank expects to be profitable again in the fourth quarter.",
        ],
        [
            "Keller Bank reported a net profit of 240 million francs for the second quarter.",
            "Keller Bank reported a net loss of 310 million francs for the second quarter.",
            "Keller Bank reported a net loss of 240 million francs for the third quarter.",
            "The bank will return to profit in the fourth quarter.",
            "Its shares rose 7.5 percent to 18.20 francs.",
            "Chief financial officer Ruth Amsler blamed lower loan provisions.",
            "Keller Bank reported a net loss of 240 billion francs for the second quarter.",
            "Chief executive Ruth Amsler blamed higher loan provisions.",
            "Its shares fell 17.5 percent to 18.20 francs.",
        ],
    ),
    (
        (
            "The comet was first seen on 9 August 1887 by Irish astronomer Maud Brennan, working "
            "alone in Cork. It returns about every 71 years and was last visible to the naked eye"
            " in 1958. Its tail can reach a length of 20 million kilometres. Some researchers "
            "think that it may break apart before its next visit."
        ),
        [
            "Maud Brennan, an Irish astronomer, was the first to see the comet, on August 9, 1887.",
            "The comet comes back roughly every 71 years.",
            "It was last visible to the naked eye in 1958.",
            "The comet's tail can be up to 20 million kilometres long.",
            "According to some researchers, the comet might break apart before it next returns.",
        ],
        [
            "The comet was first seen by Scottish astronomer Maud Brennan.",
            "The comet was last seen on 9 August 1887.",
            "It returns about every 17 years.",
            "It was never visible to the naked eye.",
            "Its tail can reach a length of 20 million miles.",
            "The comet will break apart before its next visit.",
            "All researchers think that it may break apart before its next visit.",
            "It was last visible to the naked eye in 1985.",
            "Some researchers think that it may break apart after its next visit.",
            "Maud Brennan discovered the comet in Dublin.",
        ],
    ),
    (
        (
            "The council rejected the proposal to widen Mill Street by 14 votes to 9. Councillor "
            "Jana Petrov argued that traffic had decreased since 2019. Opponents had collected "
            "5,300 signatures. A new vote cannot be held before June."
        ),
        [
            "By 14 votes to 9, the council turned down the proposal to widen Mill Street.",
            "The proposal to widen Mill Street was rejected by the council.",
            "Jana Petrov, a councillor, said that traffic has gone down since 2019.",
            "Opponents of the plan gathered 5,300 signatures.",
            "There can be no new vote before June.",
        ],
        [
            "The council approved the proposal to widen Mill Street by 14 votes to 9.",
            "The council rejected the proposal to widen Mill Street by 9 votes to 14.",
            "The council rejected the proposal to narrow Mill Street.",
            "Jana Petrov argued that traffic had increased since 2019.",
            "Supporters had collected 5,300 signatures.",
            "A new vote can be held before June.",
            "A new vote cannot be held after June.",
            "The council rejected the proposal to widen Hill Street by 14 votes to 9.",
            "Opponents had collected 3,500 signatures.",
            "Councillor Jana Petrov denied that traffic had decreased since 2019.",
        ],
    ),
    (
        (
            "The Lindholm bridge, which carries about 30,000 vehicles a day, was closed on Monday"
            " after inspectors found cracks in two of its pillars. The city's chief engineer, "
            "Peter Aalto, said that repairs would take at least eight months and cost an "
            "estimated 45 million euros. Until then, traffic is being diverted through the "
            "Karsten tunnel. Aalto denied that warnings had been ignored, but a report from 2021 "
            "had recommended an inspection every year."
        ),
        [
            (
                "The Lindholm bridge was closed on Monday because inspectors had found cracks in "
                "two pillars."
            ),
            "Some 30,000 vehicles use the Lindholm bridge every day.",
            (
                "According to Peter Aalto, the city's chief engineer, the repairs will take at "
                "least eight months."
            ),
            "The repairs are estimated to cost 45 million euros.",
            "Traffic is diverted through the Karsten tunnel in the meantime.",
            "Aalto rejected claims that warnings had been ignored.",
            "Annual inspections had been recommended in a 2021 report.",
            "It was in 2021 that a report recommended yearly inspections.",
            "Peter Aalto is the chief engineer of the city.",
            (
                "Cracks were discovered in two pillars of the bridge, which led to its closure on"
                " Monday."
            ),
        ],
        [
            "Repairs will take at most eight months.",
            "Aalto admitted that warnings had been ignored.",
            "The repairs will cost exactly 45 million euros.",
            "Cracks were found in three of its pillars.",
            "The Karsten tunnel is closed.",
            "A report from 2012 had recommended an inspection every year.",
            "The bridge collapsed on Monday.",
            "A report had recommended an inspection every two years.",
            "Peter Aalto is the mayor of the city.",
        ],
    ),
    (
        (
            "Solar panels supplied 11.4 percent of the region's electricity in 2023, more than "
            "coal for the first time. Wind remained the largest source, with a share of 38 "
            "percent. Nuclear output fell slightly because two reactors were shut down for "
            "maintenance. The grid operator Voltra forecasts that renewables will exceed 60 "
            "percent by 2027, provided that the new line to the coast is finished in time."
        ),
        [
            (
                "In 2023, for the first time, solar power supplied more of the region's "
                "electricity than coal."
            ),
            "Solar panels provided 11.4% of the electricity in the region in 2023.",
            "Wind was still the largest source, accounting for 38 percent.",
            "Nuclear production declined slightly since two reactors were offline for maintenance.",
            (
                "Voltra, the grid operator, expects renewables to pass 60 percent by 2027 if the "
                "new line to the coast is completed in time."
            ),
            "The maintenance of two reactors led to a slight fall in nuclear output.",
        ],
        [
            "Coal supplied more electricity than solar panels in 2023.",
            "Solar was the largest source, with a share of 38 percent.",
            "Nuclear output rose slightly.",
            "Renewables will exceed 60 percent by 2025.",
            "Renewables exceeded 60 percent in 2023.",
            "Two reactors were shut down permanently.",
            "Wind's share was 48 percent.",
            "Nuclear output fell sharply because two reactors were shut down for maintenance.",
            (
                "Solar panels supplied 11.4 percent of the region's electricity in 2023, less "
                "than coal."
            ),
        ],
    ),
    (
        (
            "Maria Lenz founded the bakery in 1998 together with her brother Karl, who left the "
            "business ten years later. Today it employs 64 people in five shops. The flour comes "
            "exclusively from mills within 50 kilometres of the town. Unsold bread is given to a "
            "food bank every evening and is never thrown away."
        ),
        [
            "The bakery was founded in 1998 by Maria Lenz and her brother Karl.",
            "Karl Lenz left the business ten years after it was founded.",
            "The bakery now has 64 employees and five shops.",
            "All the flour comes from mills no more than 50 kilometres from the town.",
            "Every evening, unsold bread goes to a food bank.",
            "Unsold bread is not thrown away.",
            "Sixty-four people work in the five shops today.",
        ],
        [
            "Maria Lenz left the business ten years later.",
            "The bakery was founded in 1989.",
            "Maria Lenz founded the bakery together with her husband Karl.",
            "It employs 46 people in five shops.",
            "It employs 64 people in six shops.",
            "Unsold bread is sometimes thrown away.",
            "The flour comes from mills more than 50 kilometres away.",
            "Unsold bread is given to a food bank every morning.",
        ],
    ),
    (
        (
            "Under the policy, employees accrue 2 days of paid leave for each month worked, up to"
            " a maximum of 24 days a year. Leave that has not been taken by 31 December expires "
            "unless the manager agrees in writing to carry it over. Part-time staff accrue leave "
            "in proportion to their hours. The policy does not apply to contractors."
        ),
        [
            "Employees earn two days of paid leave per month worked, up to 24 days a year.",
            "Paid leave is capped at 24 days a year.",
            (
                "Leave not taken by December 31 expires, unless the manager agrees in writing "
                "that it may be carried over."
            ),
            "Part-time employees accrue leave proportionally to their hours.",
            "Contractors are not covered by the policy.",
        ],
        [
            "Employees accrue 3 days of paid leave for each month worked.",
            "Leave that has not been taken by 31 December is carried over automatically.",
            "Employees accrue at least 24 days a year.",
            "The policy applies to contractors.",
            "Leave that has not been taken by 31 October expires.",
            "Employees accrue 2 weeks of paid leave for each month worked.",
            "Part-time staff do not accrue leave.",
        ],
    ),
    (
        (
            "The telescope detected methane in the atmosphere of the exoplanet K7-b, which orbits"
            " a red dwarf 124 light years from Earth. Lead author Amina Yusuf cautioned that the "
            "signal could also be caused by the star itself. The team observed the planet for 40 "
            "hours in March and April. Earlier observations with a smaller instrument had found "
            "no methane."
        ),
        [
            "Methane was detected by the telescope in the atmosphere of the exoplanet K7-b.",
            "The exoplanet K7-b circles a red dwarf that is 124 light years away from Earth.",
            (
                "Amina Yusuf, the lead author, warned that the star itself could also have caused"
                " the signal."
            ),
            "In March and April the team observed the planet for forty hours.",
            "No methane had been found in earlier observations with a smaller instrument.",
        ],
        [
            "The telescope detected oxygen in the atmosphere of the exoplanet K7-b.",
            "No methane was detected in the atmosphere of K7-b.",
            "K7-b orbits a red dwarf 142 light years from Earth.",
            "The signal was caused by the star itself.",
            "The team observed the planet for 40 days.",
            "Earlier observations with a larger instrument had found no methane.",
            "Earlier observations had found methane.",
            "The team observed the planet in May.",
        ],
    ),
]
