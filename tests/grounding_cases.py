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
